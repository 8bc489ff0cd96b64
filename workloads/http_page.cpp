// Fetches a page over HTTP: the tutorial's crawler. The service time is the server's delay. The body of the outcome is
// the page, for the callback to parse: HTML for even seeds, JSON for odd ones.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "workloads/async.h"
#include "workloads/catalogue.h"
#include "workloads/connection.h"
#include "workloads/digest.h"
#include "workloads/event_loop.h"
#include "workloads/loop_connection.h"
#include "workloads/page.h"
#include "workloads/page_request.h"
#include "workloads/request.h"

namespace workloads {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

// A Connection as Beast wants its streams. Errors are thrown as the Connection throws them.
class BeastStream {
 public:
  explicit BeastStream(Connection& connection) : connection_(connection) {}

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, beast::error_code& error) {
    error = {};
    for (auto next = asio::buffer_sequence_begin(buffers); next != asio::buffer_sequence_end(buffers); ++next) {
      const asio::mutable_buffer buffer(*next);
      if (buffer.size() == 0) continue;
      const std::size_t received = connection_.read_some(buffer.data(), buffer.size());
      if (received == 0) error = asio::error::eof;
      return received;
    }
    return 0;
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    beast::error_code error;
    const std::size_t received = read_some(buffers, error);
    if (error) throw beast::system_error(error);
    return received;
  }

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, beast::error_code& error) {
    error = {};
    return write_some(buffers);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    std::array<iovec, 16> pieces;
    std::size_t count = 0;
    for (auto next = asio::buffer_sequence_begin(buffers); next != asio::buffer_sequence_end(buffers) && count < pieces.size();
         ++next) {
      const asio::const_buffer buffer(*next);
      if (buffer.size() > 0) pieces[count++] = {.iov_base = const_cast<void*>(buffer.data()), .iov_len = buffer.size()};
    }
    return count == 0 ? 0 : connection_.write_some({pieces.data(), count});
  }

 private:
  Connection& connection_;
};

http::request<http::empty_body> request_of(std::uint16_t port, const PageRequest& page) {
  http::request<http::empty_body> request(http::verb::get, page_target(page), 11);
  request.set(http::field::host, "127.0.0.1:" + std::to_string(port));
  return request;
}

using Response = http::response_parser<http::string_body>;

std::runtime_error no_answer(std::string_view workload, std::uint16_t port, const beast::error_code& error) {
  return std::runtime_error(std::string(workload) + ": 127.0.0.1:" + std::to_string(port) +
                            ": not an HTTP answer: " + error.message());
}

std::string body_of(std::string_view workload, std::uint16_t port, const PageRequest& page, Response& response) {
  if (response.get().result() != http::status::ok) {
    throw std::runtime_error(std::string(workload) + ": 127.0.0.1:" + std::to_string(port) + ": the server answers " +
                             std::to_string(response.get().result_int()) + " to " + page_target(page));
  }
  return std::move(response.get().body());
}

std::string fetch(std::string_view workload, std::uint16_t port, const PageRequest& page) {
  Connection connection(workload, port);
  BeastStream stream(connection);
  beast::flat_buffer buffer;
  Response response;
  response.body_limit(static_cast<std::uint64_t>(kLargestPage));
  try {
    http::write(stream, request_of(port, page));
    http::read(stream, buffer, response);
  } catch (const beast::system_error& error) {
    throw no_answer(workload, port, error.code());
  }
  return body_of(workload, port, page, response);
}

Async<std::string> fetch_on(OnLoop& on, std::string_view workload, std::uint16_t port, const PageRequest& page) {
  std::ostringstream text;
  text << request_of(port, page);
  const std::string request = std::move(text).str();
  LoopConnection connection = co_await LoopConnection::open(on, workload, port);
  co_await connection.write(request);

  constexpr std::size_t kPiece = std::size_t{16} << 10;
  beast::flat_buffer buffer;
  Response response;
  response.body_limit(static_cast<std::uint64_t>(kLargestPage));
  response.eager(true);
  beast::error_code error;
  while (!response.is_done()) {
    const asio::mutable_buffer space = buffer.prepare(kPiece);
    const std::size_t received = co_await connection.read_some({static_cast<char*>(space.data()), space.size()});
    buffer.commit(received);
    if (received == 0) {
      if (!response.got_some()) {
        error = http::error::end_of_stream;
      } else {
        response.put_eof(error);
        if (!error && !response.is_done()) error = http::error::partial_message;
      }
    } else {
      buffer.consume(response.put(buffer.data(), error));
      if (error == http::error::need_more) error = {};
    }
    if (error) throw no_answer(workload, port, error);
  }
  co_return body_of(workload, port, page, response);
}

class HttpPage final : public Workload {
 public:
  std::string_view name() const override { return "http_page"; }
  std::string_view summary() const override {
    return "fetches a page from a loopback HTTP server that answers after the asked time";
  }
  Needs needs() const override { return {.http_server = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = kHttpPort,
            .wait_ns = delay_of(request, name()),
            .bytes = payload_of(request, name(), kDefaultPage, kSmallestPage, kLargestPage),
            .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration&) const override { return {.wait_ns = work.wait_ns}; }
  std::string_view callback(const Work& work) const override {
    return serves_html(work.seed) ? "parse_html_links" : "parse_json";
  }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    return product(work, fetch(name(), server_port(context, work.resource, name()), page_of(work)));
  }
  Async<Product> run_on(OnLoop& on, const Work& work, const RunContext& context, std::string_view) const override {
    const PageRequest page = page_of(work);
    co_return product(work, co_await fetch_on(on, name(), server_port(context, work.resource, name()), page));
  }

 private:
  static PageRequest page_of(const Work& work) { return {.seed = work.seed, .bytes = work.bytes, .delay_ns = work.wait_ns}; }
  static Product product(const Work& work, std::string page) {
    if (page.size() != static_cast<std::size_t>(work.bytes)) {
      throw std::runtime_error("http_page: a page of " + std::to_string(page.size()) + " bytes came; asked for " +
                               std::to_string(work.bytes));
    }
    const std::uint64_t digest = combine(work.seed, page);
    return {.digest = digest, .body = std::move(page)};
  }
};

}  // namespace

const Workload& http_page_workload() {
  static const HttpPage kHttpPage;
  return kHttpPage;
}

}  // namespace workloads
