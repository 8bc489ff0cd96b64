#include "pools/src/remote/dealer.h"

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>

#include "pools/src/remote/protocol.h"
#include "pools/src/remote/zmq_sockets.h"

namespace pools::detail {
namespace {

constexpr const char* kDealerMonitor = "inproc://pools-dealer-monitor";

bool is_port(std::string_view text) {
  int port = 0;
  const char* const end = text.data() + text.size();
  return std::from_chars(text.data(), end, port).ptr == end && port >= 1 && port <= 65'535;
}

}  // namespace

Dealer::Dealer(const std::string& address, const AgentKey& key, const std::string& identity) {
  const std::string_view text = address;
  const auto colon = text.rfind(':');
  if (!text.starts_with("tcp://") || colon == std::string_view::npos || colon < 7 || !is_port(text.substr(colon + 1))) {
    throw Error("'" + address + "' is not the address of a remote pool, which looks like tcp://head:40123");
  }
  host_ = text.substr(6, colon - 6);
  if (host_.size() > 2 && host_.front() == '[') host_ = host_.substr(1, host_.size() - 2);
  port_ = text.substr(colon + 1);
  try {
    dealer_ = zmq::socket_t(context_, zmq::socket_type::dealer);
    set_common_options(dealer_, kLargestFrame);
    set_option(dealer_, ZMQ_ROUTING_ID, identity.data(), identity.size());
    set_option(dealer_, ZMQ_IMMEDIATE, 1);  // nothing waits for a connection that is not there
    set_option(dealer_, ZMQ_RECONNECT_IVL, 20);
    // A cable that is cut and mended: TCP would wait for seconds before it tries again.
    set_option(dealer_, ZMQ_CONNECT_TIMEOUT, 300);
    set_option(dealer_, ZMQ_HEARTBEAT_IVL, 400);
    // Less than the silence that an agent usually bears, and no shorter: a pool that is stopped for a moment loses nothing.
    set_option(dealer_, ZMQ_HEARTBEAT_TIMEOUT, 2500);
    set_key(dealer_, ZMQ_CURVE_SERVERKEY, key.pool);
    set_key(dealer_, ZMQ_CURVE_PUBLICKEY, key.own.public_key);
    set_key(dealer_, ZMQ_CURVE_SECRETKEY, key.own.secret_key);
    monitor_ = monitor_of(context_, dealer_, kDealerMonitor);
    dealer_.connect(address);
  } catch (const zmq::error_t& error) {
    throw Error("cannot connect to a remote pool at '" + address + "': " + error.what());
  }
  bell_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell_) throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of an agent");
}

void Dealer::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof one);
}

Dealer::Woken Dealer::wait(std::chrono::milliseconds timeout, int signals, int input) {
  Woken woken;
  if (has_input(dealer_)) return woken;
  pollfd ends[] = {{.fd = descriptor_of(dealer_), .events = POLLIN, .revents = 0},
                   {.fd = descriptor_of(monitor_), .events = POLLIN, .revents = 0},
                   {.fd = bell_.get(), .events = POLLIN, .revents = 0},
                   {.fd = signals, .events = POLLIN, .revents = 0},
                   {.fd = input, .events = POLLIN, .revents = 0}};  // poll() ignores -1
  if (::poll(ends, std::size(ends), static_cast<int>(timeout.count())) <= 0) return woken;
  if (ends[2].revents != 0) {
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t got = ::read(bell_.get(), &rung, sizeof rung);
  }
  woken.news = ends[1].revents != 0;
  woken.signalled = ends[3].revents != 0;
  woken.input_readable = ends[4].revents != 0;
  return woken;
}

bool Dealer::send(std::span<const std::byte> frame) {
  while (::zmq_send(dealer_.handle(), frame.data(), frame.size(), ZMQ_DONTWAIT) < 0) {
    if (::zmq_errno() == EINTR) continue;
    if (::zmq_errno() == EAGAIN) return false;
    throw std::system_error(::zmq_errno(), std::generic_category(), "an agent cannot send");
  }
  return true;
}

bool Dealer::receive(zmq::message_t& frame) { return receive_part(dealer_, frame); }

Dealer::News Dealer::look() {
  News news;
  while (const std::optional<MonitorEvent> event = next_event(monitor_)) {
    switch (event->event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        news.connected = true;
        news.disconnected = false;
        break;
      case ZMQ_EVENT_DISCONNECTED:
      case ZMQ_EVENT_CLOSED:
        news.disconnected = true;
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        news.key_refused = true;
        break;
      default:
        break;
    }
  }
  return news;
}

bool Dealer::nobody_listens() const noexcept {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host_.c_str(), port_.c_str(), &hints, &found) != 0) return false;
  const FileDescriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int error = 0;
  if (::connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0) {
    error = errno;
    pollfd ends{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    constexpr int kMilliseconds = 50;
    if (error == EINPROGRESS && ::poll(&ends, 1, kMilliseconds) > 0) {
      socklen_t size = sizeof error;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  ::freeaddrinfo(found);
  return error == ECONNREFUSED;
}

void Dealer::close(std::chrono::milliseconds linger) noexcept {
  const auto ms = static_cast<int>(linger.count());
  ::zmq_setsockopt(dealer_.handle(), ZMQ_LINGER, &ms, sizeof ms);
  ::zmq_socket_monitor(dealer_.handle(), nullptr, 0);
  monitor_.close();
  dealer_.close();
  context_.close();
}

}  // namespace pools::detail
