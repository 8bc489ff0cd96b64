#pragma once

// The pool's end of the network: a ROUTER socket with CURVE on one interface, the handler that says whose key is good (ZAP), the monitor
// that says when a connection has ended, and a descriptor by which other threads end a wait.
//
// ZeroMQ's sockets are for one thread: all that is not said to be for any thread is for the pool's own, once that has begun.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <zmq.hpp>

#include "pools/src/base/mutex.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/remote/curve_keys.h"

namespace pools::detail {

class Router {
 public:
  // Throws std::invalid_argument, which names the address, std::system_error.
  explicit Router(const std::string& address);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  const std::string& endpoint() const noexcept { return endpoint_; }
  // Any thread: a pair that is good from now on, and what its owner is told. Who uses it is called `user` here.
  AgentKey new_agent_key(const std::string& user = "by hand");
  // Any thread: ends the wait that goes on, or the next one.
  void wake() noexcept;

  // Returns when there is something to be received, or, true, to be looked at, when one of `others` is readable (`ready`), or at the timeout.
  bool wait(std::chrono::milliseconds timeout, std::span<const int> others, std::vector<bool>& ready);

  // False: nobody of that identity is connected.
  bool send(const std::string& identity, std::span<const std::byte> frame);
  // False: there is nothing. What is not two parts is dropped.
  bool receive(std::string& identity, zmq::message_t& frame);
  static std::string user_of(zmq::message_t& frame);  // whose key the frame came with

  // What the monitor and the handler of keys have seen since the last look.
  struct News {
    bool connection_ended = false;
    std::vector<std::string> refused_keys;  // addresses
    std::uint64_t strangers = 0;
  };
  News look();

  void close() noexcept;  // no thread uses it any more

 private:
  void answer_key_questions(News& news);
  void read_monitor(News& news);

  // Constant after construction.
  const CurvePair keys_;
  std::string endpoint_;

  Mutex mutex_;
  std::map<CurveKey, std::string> users_ GUARDED_BY(mutex_);

  zmq::context_t context_;
  zmq::socket_t key_questions_;
  zmq::socket_t router_;
  zmq::socket_t monitor_;
  FileDescriptor bell_;  // an event descriptor
};

}  // namespace pools::detail
