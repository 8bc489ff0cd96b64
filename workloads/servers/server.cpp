#include "workloads/servers/server.h"

#include <unistd.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <optional>
#include <stdexcept>
#include <string>

#include "workloads/servers/echo_session.h"
#include "workloads/servers/http_session.h"
#include "workloads/servers/listener.h"

namespace workloads {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

struct Server::State {
  // Ends the io_context when the stream has ended.
  void watch_stream() {
    stream->async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      std::array<char, 256> unread;
      // Readable, so this does not block, whether the descriptor is blocking or not.
      const ssize_t size = error ? 0 : ::read(stream->native_handle(), unread.data(), unread.size());
      const bool goes_on = size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN));
      return goes_on ? watch_stream() : context.stop();
    });
  }

  asio::io_context context{1};  // one thread runs it: nobody has to be woken to share in the work
  std::optional<Listener> echo;
  std::optional<Listener> http;
  std::optional<asio::posix::stream_descriptor> stream;
};

Server::Server(const Needs& needs) try : state_(std::make_unique<State>()) {
  if (needs.echo_server) state_->echo.emplace(state_->context, start_echo_session);
  if (needs.http_server) state_->http.emplace(state_->context, start_http_session);
} catch (const boost::system::system_error& error) {
  throw std::runtime_error("cannot listen on 127.0.0.1: " + error.code().message());
}

Server::~Server() = default;

std::vector<std::uint16_t> Server::ports() const {
  std::vector<std::uint16_t> ports(2, 0);
  if (state_->echo) ports[kEchoPort] = state_->echo->port();
  if (state_->http) ports[kHttpPort] = state_->http->port();
  return ports;
}

void Server::run(int stream) {
  // Without one of these the io_context would return for want of work if nothing is served.
  const auto work = asio::make_work_guard(state_->context);
  if (stream >= 0) {
    // A descriptor of its own, as Asio closes what it is given.
    const int copy = ::dup(stream);
    error_code error(copy < 0 ? errno : 0, boost::system::system_category());
    if (!error) {
      state_->stream.emplace(state_->context);
      state_->stream->assign(copy, error);
      if (error) ::close(copy);
    }
    if (error) throw std::runtime_error("a server cannot watch descriptor " + std::to_string(stream) + ": " + error.message());
    state_->watch_stream();
  }
  state_->context.run();
}

void Server::stop() { state_->context.stop(); }

}  // namespace workloads
