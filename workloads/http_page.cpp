// Fetches a page over HTTP: the tutorial's crawler. The service time is the server's delay. The body of the outcome is
// the page, for the callback to parse: HTML for even seeds, JSON for odd ones.

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "workloads/catalogue.h"
#include "workloads/connection.h"
#include "workloads/digest.h"
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

std::string fetch(std::string_view workload, std::uint16_t port, const PageRequest& page) {
  Connection connection(workload, port);
  BeastStream stream(connection);

  http::request<http::empty_body> request(http::verb::get, page_target(page), 11);
  request.set(http::field::host, "127.0.0.1:" + std::to_string(port));
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> response;
  response.body_limit(static_cast<std::uint64_t>(kLargestPage));
  try {
    http::write(stream, request);
    http::read(stream, buffer, response);
  } catch (const beast::system_error& error) {
    throw std::runtime_error(std::string(workload) + ": 127.0.0.1:" + std::to_string(port) +
                             ": not an HTTP answer: " + error.code().message());
  }
  if (response.get().result() != http::status::ok) {
    throw std::runtime_error(std::string(workload) + ": 127.0.0.1:" + std::to_string(port) + ": the server answers " +
                             std::to_string(response.get().result_int()) + " to " + page_target(page));
  }
  return std::move(response.get().body());
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
    std::string page = fetch(name(), server_port(context, work.resource, name()),
                             {.seed = work.seed, .bytes = work.bytes, .delay_ns = work.wait_ns});
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
