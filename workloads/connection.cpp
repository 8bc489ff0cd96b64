#include "workloads/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace workloads {
namespace {

// Where the connections come from when 127.0.0.1 has no free port left: every other address of the loopback network has
// as many of its own.
constexpr std::uint32_t kFirstSource = INADDR_LOOPBACK;
constexpr std::uint32_t kSources = 16;

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  address.sin_port = htons(port);
  return address;
}

void set_option(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof(value));  // at worst the connection is slower
}

// 0 or the error.
int connect_socket(int socket, std::uint16_t port) {
  const sockaddr_in server = address_of(INADDR_LOOPBACK, port);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) == 0) return 0;
  if (errno != EINTR) return errno;
  // The attempt goes on without the caller (connect(2)); its end is seen by poll().
  pollfd writable{.fd = socket, .events = POLLOUT, .revents = 0};
  while (::poll(&writable, 1, -1) < 0) {
    if (errno != EINTR) return errno;
  }
  int error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

std::runtime_error connection_error(std::string_view workload, std::uint16_t port, std::string_view what, int error) {
  return std::runtime_error(std::string(workload) + ": 127.0.0.1:" + std::to_string(port) + ": " + std::string(what) +
                            (error == 0 ? "" : ": " + std::generic_category().message(error)));
}

int client_socket(std::uint32_t source, int& error) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  error = socket < 0 ? errno : 0;
  if (socket < 0) return socket;
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  if (source > 0) {
    // The port is chosen on connect(), when the whole pair of addresses is known and must be unique, not on bind().
    set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const sockaddr_in from = address_of(kFirstSource + source, 0);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) != 0) error = errno;
  }
  return socket;
}

bool may_connect_from_another(std::uint32_t source, int error) { return error == EADDRNOTAVAIL && source + 1 < kSources; }

Connection::Connection(std::string_view workload, std::uint16_t port) : workload_(workload), port_(port) {
  for (std::uint32_t source = 0;; ++source) {
    int error = 0;
    socket_ = client_socket(source, error);
    if (socket_ < 0) fail("cannot make a socket", error);
    if (error == 0) error = connect_socket(socket_, port);
    if (error == 0) return;
    ::close(socket_);
    socket_ = -1;
    if (!may_connect_from_another(source, error)) fail("cannot connect", error);
  }
}

Connection::~Connection() {
  if (socket_ >= 0) ::close(socket_);
}

void Connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const iovec piece{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
    bytes.remove_prefix(write_some({&piece, 1}));
  }
}

std::size_t Connection::write_some(std::span<const iovec> pieces) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  while (true) {
    const ssize_t sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno != EINTR) fail("cannot send", errno);
  }
}

std::size_t Connection::read_some(void* bytes, std::size_t size) {
  assert(size > 0);
  while (true) {
    const ssize_t received = ::recv(socket_, bytes, size, 0);
    if (received >= 0) return static_cast<std::size_t>(received);
    if (errno != EINTR) fail("cannot receive", errno);
  }
}

void Connection::read(void* bytes, std::size_t size) {
  auto* next = static_cast<char*>(bytes);
  while (size > 0) {
    const std::size_t received = read_some(next, size);
    if (received == 0) fail("the server ended the connection too early", 0);
    next += received;
    size -= received;
  }
}

void Connection::fail(std::string_view what, int error) const { throw connection_error(workload_, port_, what, error); }

std::uint16_t server_port(const RunContext& context, std::uint32_t resource, std::string_view workload) {
  if (resource >= context.ports.size() || context.ports[resource] == 0) {
    throw std::runtime_error(std::string(workload) + ": no server runs for it (resource " + std::to_string(resource) + ")");
  }
  return context.ports[resource];
}

}  // namespace workloads
