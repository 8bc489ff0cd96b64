#pragma once

// The servers that tcp_echo and http_page talk to: one object, one thread, on free ports of 127.0.0.1. They wait with
// timers, so that the number of requests under way is bounded by descriptors only; ten thousand at once are within what
// they are made for (raise RLIMIT_NOFILE first: a connection that finds no descriptor waits until there is one).
//
// Thread safety: run() by one thread, once; stop() from any thread, at any time; the rest before run() or after it.

#include <cstdint>
#include <memory>
#include <vector>

#include "workloads/work.h"

namespace workloads {

class Server {
 public:
  // Listens for what `needs` names; clients may connect from now on and are served by run(). Throws std::runtime_error
  // (one line) when it cannot.
  explicit Server(const Needs& needs);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // As RunContext::ports: 0 where nothing listens.
  std::vector<std::uint16_t> ports() const;

  // Serves until stop() or until `stream`, a pipe or socket of which only the end matters, has ended; -1: no such
  // stream. The descriptor stays the caller's. Requests under way are abandoned. Throws std::runtime_error if the
  // stream cannot be watched.
  void run(int stream = -1);
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace workloads
