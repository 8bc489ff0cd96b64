#include "workloads/servers/http_session.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "workloads/page.h"
#include "workloads/page_request.h"

namespace workloads {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using Clock = std::chrono::steady_clock;

// Each step of a request holds the session alive; on an error of the connection the step is the last one.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  explicit HttpSession(asio::ip::tcp::socket socket) : socket_(std::move(socket)), delay_(socket_.get_executor()) {}

  void read_request() {
    parser_.emplace();
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](const error_code& error, std::size_t) { self->answer(error, Clock::now()); });
  }

 private:
  void answer(const error_code& error, Clock::time_point arrival) {
    response_ = {};
    response_.version(11);
    response_.keep_alive(false);
    if (error) {
      // Beast's own errors say that the bytes are no request; the client's orderly end is one of them.
      const bool malformed = error.category() == make_error_code(http::error::bad_target).category() &&
                             error != http::error::end_of_stream && error != http::error::partial_message;
      return malformed ? refuse(http::status::bad_request, "not an HTTP request") : void();
    }
    const auto& request = parser_->get();
    response_.version(request.version());
    response_.keep_alive(request.keep_alive());
    const std::string_view target(request.target().data(), request.target().size());
    if (request.method() != http::verb::get) return refuse(http::status::method_not_allowed, "allowed: GET");
    if (target.substr(0, target.find('?')) != "/page") return refuse(http::status::not_found, "known: /page");

    const auto page = parse_page_target(target);
    if (!page) return refuse(http::status::bad_request, "a page is /page?seed=S&bytes=B&delay_ns=D within its bounds");
    response_.result(http::status::ok);
    response_.set(http::field::content_type, serves_html(page->seed) ? "text/html; charset=utf-8" : "application/json");
    response_.body() = served_page(page->seed, page->bytes);
    if (page->delay_ns == 0) return write_response();
    // Counted from the arrival: making the page is part of the delay.
    delay_.expires_at(arrival + std::chrono::nanoseconds(page->delay_ns));
    delay_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      if (!cancelled) self->write_response();
    });
  }

  void refuse(http::status status, const char* reason) {
    response_.result(status);
    response_.set(http::field::content_type, "text/plain");
    if (status == http::status::method_not_allowed) response_.set(http::field::allow, "GET");
    response_.body() = std::string(reason) + "\n";
    write_response();
  }

  void write_response() {
    response_.prepare_payload();
    http::async_write(socket_, response_, [self = shared_from_this()](const error_code& error, std::size_t) {
      if (error) return;
      if (!self->response_.need_eof() && self->response_.keep_alive()) return self->read_request();
      error_code ignored;  // the client may be gone already
      self->socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    });
  }

  asio::ip::tcp::socket socket_;
  asio::steady_timer delay_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

void start_http_session(asio::ip::tcp::socket socket) { std::make_shared<HttpSession>(std::move(socket))->read_request(); }

}  // namespace workloads
