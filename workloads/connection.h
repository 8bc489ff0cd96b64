#pragma once

// The client's end of a TCP connection to a server on this machine: blocking, TCP_NODELAY, one per task. A file
// descriptor and nothing more, so that ten thousand of them cost ten thousand descriptors.
//
// Thread safety: one thread at a time.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

#include "workloads/work.h"

namespace workloads {

class Connection {
 public:
  // Connects to 127.0.0.1:port. Throws std::runtime_error (one line: who, where, why).
  Connection(std::string_view workload, std::uint16_t port);
  // Aborts the connection (RST instead of FIN). The side that closes first otherwise keeps the pair of ports for a
  // minute (TIME_WAIT), and a sweep makes connections by the ten thousand: the 28,232 ephemeral ports would last for
  // seconds. TIME_WAIT protects data still under way and the next user of the ports from stray segments; here the whole
  // answer has been read before, and the loopback device neither delays nor reorders.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // All of it. Throws std::runtime_error.
  void write(std::string_view bytes);
  // Some of it, gathered into one segment where possible; returns the number of bytes. Throws std::runtime_error.
  std::size_t write_some(std::span<const iovec> pieces);
  // At least one byte, or 0 at the end of the stream. REQUIRES: size > 0. Throws std::runtime_error.
  std::size_t read_some(void* bytes, std::size_t size);
  // Exactly `size` bytes. Throws std::runtime_error, also if the stream ends before.
  void read(void* bytes, std::size_t size);

 private:
  [[noreturn]] void fail(std::string_view what, int error) const;

  const std::string_view workload_;  // a name in the catalogue: it outlives the connection
  const std::uint16_t port_;
  int socket_ = -1;
};

// What connections on an event loop (loop_connection.h) share with those above.
//
// A socket that is to be connected: options set and, from source 1 on, bound to another loopback address than 127.0.0.1, for when that has
// no free port left. -1: there is none; `error` is an errno or 0.
int client_socket(std::uint32_t source, int& error);
// Whether the next source is worth an attempt.
bool may_connect_from_another(std::uint32_t source, int error);
// One line: who, where, what, why.
std::runtime_error connection_error(std::string_view workload, std::uint16_t port, std::string_view what, int error);

// The port of a server in the context. Throws std::runtime_error if there is none.
std::uint16_t server_port(const RunContext& context, std::uint32_t resource, std::string_view workload);

}  // namespace workloads
