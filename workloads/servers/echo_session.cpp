#include "workloads/servers/echo_session.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "workloads/echo_protocol.h"

namespace workloads {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Each step of a request holds the session alive; on any error the step is the last one.
class EchoSession : public std::enable_shared_from_this<EchoSession> {
 public:
  explicit EchoSession(asio::ip::tcp::socket socket) : socket_(std::move(socket)), delay_(socket_.get_executor()) {}

  void read_header() {
    asio::async_read(socket_, asio::buffer(header_), [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!error) self->read_payload();
    });
  }

 private:
  void read_payload() {
    const auto header = decode_echo_header(header_);
    if (!header) return;
    payload_.resize(static_cast<std::size_t>(header->bytes));
    asio::async_read(socket_, asio::buffer(payload_),
                     [self = shared_from_this(), delay_ns = header->delay_ns](const error_code& error, std::size_t) {
                       if (!error) self->wait(std::chrono::nanoseconds(delay_ns));
                     });
  }

  void wait(std::chrono::nanoseconds delay) {
    if (delay.count() == 0) return answer();
    delay_.expires_after(delay);
    delay_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->answer();
    });
  }

  void answer() {
    asio::async_write(socket_, asio::buffer(payload_), [self = shared_from_this()](const error_code& error, std::size_t) {
      if (!error) self->read_header();
    });
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer delay_;
  EchoHeaderBytes header_{};
  std::string payload_;
};

}  // namespace

void start_echo_session(asio::ip::tcp::socket socket) { std::make_shared<EchoSession>(std::move(socket))->read_header(); }

}  // namespace workloads
