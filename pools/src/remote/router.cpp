#include "pools/src/remote/router.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include "pools/src/remote/protocol.h"
#include "pools/src/remote/zmq_sockets.h"

namespace pools::detail {
namespace {

constexpr const char* kZap = "inproc://zeromq.zap.01";  // where ZeroMQ asks whether a key is good (RFC 27)
constexpr const char* kMonitor = "inproc://pools-router-monitor";

void require_one_interface(const std::string& address) {
  const std::string_view text = address;
  const auto colon = text.rfind(':');
  if (!text.starts_with("tcp://") || colon < 7 || colon == std::string_view::npos || colon + 1 == text.size()) {
    throw std::invalid_argument("the address of a remote pool is '" + address +
                                "'; allowed: one interface and a port, such as tcp://127.0.0.1:* or tcp://eth0:5555");
  }
  const std::string_view interface = text.substr(6, colon - 6);
  if (interface == "*" || interface == "0.0.0.0" || interface == "[::]" || interface == "::") {
    throw std::invalid_argument("the address of a remote pool is '" + address +
                                "': that is every interface of this host; name the one that its hosts are on");
  }
}

std::string_view part(const std::vector<zmq::message_t>& parts, std::size_t index) {
  return {static_cast<const char*>(parts[index].data()), parts[index].size()};
}

}  // namespace

Router::Router(const std::string& address) : keys_(new_curve_pair()) {
  require_one_interface(address);
  try {
    key_questions_ = zmq::socket_t(context_, zmq::socket_type::rep);
    set_option(key_questions_, ZMQ_LINGER, 0);
    key_questions_.bind(kZap);  // first: who is not asked about is let in
    router_ = zmq::socket_t(context_, zmq::socket_type::router);
    set_common_options(router_, kLargestFrame);
    set_option(router_, ZMQ_ROUTER_MANDATORY, 1);
    // An agent whose old connection has not ended for us yet takes its identity over.
    set_option(router_, ZMQ_ROUTER_HANDOVER, 1);
    // Of connections that are cut TCP says so. No pings of ZeroMQ's from here: where an identity was taken over, and the old connection speaks
    // once more and goes, libzmq 4.3 asserts in its next ping (out_event() after an I/O error, stream_engine_base.cpp:331), and the process
    // ends. (Without them such a connection keeps its descriptor until the socket is closed.)
    set_option(router_, ZMQ_TCP_KEEPALIVE, 1);
    set_option(router_, ZMQ_TCP_KEEPALIVE_IDLE, 3);  // seconds
    set_option(router_, ZMQ_TCP_KEEPALIVE_INTVL, 1);
    set_option(router_, ZMQ_TCP_KEEPALIVE_CNT, 3);
    set_option(router_, ZMQ_TCP_MAXRT, 6000);  // ms
    set_option(router_, ZMQ_CURVE_SERVER, 1);
    set_key(router_, ZMQ_CURVE_SECRETKEY, keys_.secret_key);
    set_option(router_, ZMQ_ZAP_DOMAIN, "pools", 5);
    monitor_ = monitor_of(context_, router_, kMonitor);
  } catch (const zmq::error_t& error) {
    throw std::system_error(error.num(), std::generic_category(), "cannot make the sockets of a remote pool");
  }
  try {
    router_.bind(address);
    endpoint_ = router_.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    throw std::system_error(error.num(), std::generic_category(), "a remote pool cannot bind to '" + address + "'");
  }
  bell_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell_) throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a remote pool");
}

AgentKey Router::new_agent_key(const std::string& user) {
  AgentKey key{.pool = keys_.public_key, .own = new_curve_pair()};
  const Lock lock(mutex_);
  users_.emplace(key.own.public_key, user);
  return key;
}

void Router::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &one, sizeof one);
}

bool Router::wait(std::chrono::milliseconds timeout, std::span<const int> others, std::vector<bool>& ready) {
  ready.assign(others.size(), false);
  if (has_input(router_)) return false;
  // Of the monitor and of the questions all was read that there was.
  std::vector<pollfd> ends{{.fd = descriptor_of(router_), .events = POLLIN, .revents = 0},
                           {.fd = descriptor_of(monitor_), .events = POLLIN, .revents = 0},
                           {.fd = descriptor_of(key_questions_), .events = POLLIN, .revents = 0},
                           {.fd = bell_.get(), .events = POLLIN, .revents = 0}};
  const std::size_t own = ends.size();
  for (const int other : others) ends.push_back({.fd = other, .events = POLLIN, .revents = 0});
  if (::poll(ends.data(), ends.size(), static_cast<int>(timeout.count())) <= 0) return false;
  if (ends[own - 1].revents != 0) {
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t got = ::read(bell_.get(), &rung, sizeof rung);
  }
  for (std::size_t index = 0; index < others.size(); ++index) ready[index] = ends[own + index].revents != 0;
  return ends[1].revents != 0 || ends[2].revents != 0;
}

bool Router::send(const std::string& identity, std::span<const std::byte> frame) {
  for (int part = 0; part < 2; ++part) {
    const bool last = part == 1;
    const void* const data = last ? static_cast<const void*>(frame.data()) : identity.data();
    const std::size_t size = last ? frame.size() : identity.size();
    while (::zmq_send(router_.handle(), data, size, ZMQ_DONTWAIT | (last ? 0 : ZMQ_SNDMORE)) < 0) {
      if (::zmq_errno() == EINTR) continue;
      if (::zmq_errno() == EHOSTUNREACH || ::zmq_errno() == EAGAIN) return false;
      throw std::system_error(::zmq_errno(), std::generic_category(), "a remote pool cannot send");
    }
  }
  return true;
}

bool Router::receive(std::string& identity, zmq::message_t& frame) {
  for (;;) {
    if (!receive_part(router_, frame)) return false;
    identity.assign(static_cast<const char*>(frame.data()), frame.size());
    int parts = 1;
    while (frame.more()) {
      if (!receive_part(router_, frame)) return false;
      ++parts;
    }
    if (parts == 2) return true;
  }
}

std::string Router::user_of(zmq::message_t& frame) {
  const char* const user = ::zmq_msg_gets(frame.handle(), "User-Id");
  return user == nullptr ? "" : user;
}

Router::News Router::look() {
  News news;
  answer_key_questions(news);
  read_monitor(news);
  return news;
}

// RFC 27: version, request, domain, address, identity, mechanism, key.
void Router::answer_key_questions(News& news) {
  for (;;) {
    std::vector<zmq::message_t> question;
    do {
      zmq::message_t next;
      if (!receive_part(key_questions_, next)) return;
      question.push_back(std::move(next));
    } while (question.back().more());
    std::string user;
    if (question.size() == 7 && part(question, 5) == "CURVE" && question[6].size() == sizeof(CurveKey)) {
      CurveKey key;
      std::memcpy(key.data(), question[6].data(), key.size());
      const Lock lock(mutex_);
      if (const auto found = users_.find(key); found != users_.end()) user = found->second;
    }
    const bool good = !user.empty();
    if (!good) news.refused_keys.emplace_back(question.size() > 3 ? part(question, 3) : std::string_view("?"));
    const std::string_view answer[] = {"1.0",
                                       question.size() > 1 ? part(question, 1) : std::string_view(),
                                       good ? "200" : "400",
                                       good ? "OK" : "not a key of this pool's",
                                       user,
                                       ""};
    for (const std::string_view& each : answer) {
      key_questions_.send(zmq::buffer(each), &each == &answer[5] ? zmq::send_flags::none : zmq::send_flags::sndmore);
    }
  }
}

void Router::read_monitor(News& news) {
  while (const std::optional<MonitorEvent> event = next_event(monitor_)) {
    switch (event->event) {
      case ZMQ_EVENT_DISCONNECTED:
        news.connection_ended = true;
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        ++news.strangers;
        break;
      default:
        break;
    }
  }
}

void Router::close() noexcept {
  if (router_) ::zmq_socket_monitor(router_.handle(), nullptr, 0);
  monitor_.close();
  router_.close();
  key_questions_.close();
  context_.close();
  bell_.reset();
}

}  // namespace pools::detail
