#pragma once

// A Server on a thread of its own, stopped at the end of the scope.

#include <thread>

#include "workloads/servers/server.h"

namespace workloads::testing_workloads {

class RunningServer {
 public:
  RunningServer() : server_({.echo_server = true, .http_server = true}), thread_([this] { server_.run(); }) {}
  ~RunningServer() {
    server_.stop();
    thread_.join();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  const RunContext& context() const { return context_; }
  std::uint16_t echo_port() const { return context_.ports[kEchoPort]; }
  std::uint16_t http_port() const { return context_.ports[kHttpPort]; }

 private:
  Server server_;
  const RunContext context_{.scratch_directory = {}, .ports = server_.ports()};
  std::thread thread_;
};

}  // namespace workloads::testing_workloads
