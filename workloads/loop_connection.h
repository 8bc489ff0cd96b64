#pragma once

// The client's end of a TCP connection on an event loop: as Connection (connection.h), but what waits is awaited.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "workloads/async.h"
#include "workloads/connection.h"
#include "workloads/event_loop.h"

namespace workloads {

class LoopConnection {
 public:
  // A connection to 127.0.0.1:port. Throws std::runtime_error (one line: who, where, why). `workload` is a name in the catalogue.
  static Async<LoopConnection> open(OnLoop& on, std::string_view workload, std::uint16_t port);

  // To be awaited. Each throws std::runtime_error.
  auto write(std::string_view bytes) {
    return on_->operation([this, bytes](Completion& completion) { return socket_->write(bytes, completion); },
                          [this](const Completion& ended) {
                            if (ended.error != 0) throw connection_error(workload_, port_, "cannot send", ended.error);
                          });
  }
  // Some bytes' number; 0 at the end of the stream.
  auto read_some(std::span<char> into) {
    return on_->operation([this, into](Completion& completion) { return socket_->read_some(into, completion); },
                          [this](const Completion& ended) {
                            if (ended.error != 0) throw connection_error(workload_, port_, "cannot receive", ended.error);
                            return ended.bytes;
                          });
  }
  // Throws as above where a stream has ended too early.
  [[noreturn]] void fail_at_end() const;

 private:
  LoopConnection(OnLoop& on, std::string_view workload, std::uint16_t port, std::unique_ptr<LoopSocket> socket)
      : on_(&on), workload_(workload), port_(port), socket_(std::move(socket)) {}

  OnLoop* on_;
  std::string_view workload_;
  std::uint16_t port_;
  std::unique_ptr<LoopSocket> socket_;
};

}  // namespace workloads
