// A request and its answer over a loopback socket, on a connection of its own: what a client of a slow server does. The
// service time is the server's delay; connecting and copying come on top and are part of what is measured.

#include <span>
#include <stdexcept>
#include <string>

#include "workloads/async.h"
#include "workloads/catalogue.h"
#include "workloads/connection.h"
#include "workloads/digest.h"
#include "workloads/echo_protocol.h"
#include "workloads/event_loop.h"
#include "workloads/loop_connection.h"
#include "workloads/request.h"

namespace workloads {
namespace {

constexpr std::int64_t kDefaultPayload = 1024;

class TcpEcho final : public Workload {
 public:
  std::string_view name() const override { return "tcp_echo"; }
  std::string_view summary() const override {
    return "sends a request to a loopback server that answers after the asked time, and compares the answer";
  }
  Needs needs() const override { return {.echo_server = true}; }

  Work make(const Request& request, const Calibration&) const override {
    return {.resource = kEchoPort,
            .wait_ns = delay_of(request, name()),
            .bytes = payload_of(request, name(), kDefaultPayload, 1, kLargestEcho),
            .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration&) const override { return {.wait_ns = work.wait_ns}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  Product run(const Work& work, const RunContext& context, std::string_view) const override {
    const std::string payload = payload_of_work(work);
    Connection connection(name(), server_port(context, work.resource, name()));
    connection.write(request_text(work, payload));
    std::string answer(payload.size(), '\0');
    connection.read(answer.data(), answer.size());
    return product(work, payload, answer);
  }
  Async<Product> run_on(OnLoop& on, const Work& work, const RunContext& context, std::string_view) const override {
    const std::string payload = payload_of_work(work);
    const std::string request = request_text(work, payload);
    LoopConnection connection = co_await LoopConnection::open(on, name(), server_port(context, work.resource, name()));
    co_await connection.write(request);
    std::string answer(payload.size(), '\0');
    for (std::span<char> left(answer); !left.empty();) {
      const std::size_t received = co_await connection.read_some(left);
      if (received == 0) connection.fail_at_end();
      left = left.subspan(received);
    }
    co_return product(work, payload, answer);
  }

 private:
  std::string payload_of_work(const Work& work) const {
    return seeded_bytes(combine(work.seed, name()), static_cast<std::size_t>(work.bytes));
  }
  static std::string request_text(const Work& work, const std::string& payload) {
    const EchoHeaderBytes header = encode_echo_header({.delay_ns = work.wait_ns, .bytes = work.bytes});
    return std::string(reinterpret_cast<const char*>(header.data()), header.size()) + payload;
  }
  static Product product(const Work& work, const std::string& payload, const std::string& answer) {
    if (answer != payload) throw std::runtime_error("tcp_echo: the answer differs from what was sent");
    return {.digest = combine(work.seed, answer), .body = {}};
  }
};

}  // namespace

const Workload& tcp_echo_workload() {
  static const TcpEcho kTcpEcho;
  return kTcpEcho;
}

}  // namespace workloads
