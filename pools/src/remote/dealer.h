#pragma once

// An agent's end of the network: a DEALER socket with CURVE, which connects again by itself, and its monitor. For one thread, but for wake().

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include <zmq.hpp>

#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/remote/curve_keys.h"

namespace pools::detail {

class Dealer {
 public:
  // Throws Error: an address that is none.
  Dealer(const std::string& address, const AgentKey& key, const std::string& identity);
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;

  void wake() noexcept;  // any thread: ends the wait that goes on, or the next one
  // Returns when there is something to be received, or look() has something to say, at the timeout, or when one of the two is readable (-1:
  // none).
  struct Woken {
    bool news = false;
    bool signalled = false;
    bool input_readable = false;
  };
  Woken wait(std::chrono::milliseconds timeout, int signals, int input);

  bool send(std::span<const std::byte> frame);  // false: there is no connection
  bool receive(zmq::message_t& frame);          // false: there is nothing

  // What the monitor has said since the last look.
  struct News {
    bool connected = false;     // anew
    bool disconnected = false;  // after that, or an attempt to connect has failed
    bool key_refused = false;
  };
  News look();
  // Whoever listens there is gone: the host says so. Takes 50 ms at most.
  bool nobody_listens() const noexcept;
  void close(std::chrono::milliseconds linger) noexcept;  // what has been sent may still go out meanwhile

 private:
  std::string host_;
  std::string port_;
  zmq::context_t context_;
  zmq::socket_t dealer_;
  zmq::socket_t monitor_;
  FileDescriptor bell_;  // an event descriptor
};

}  // namespace pools::detail
