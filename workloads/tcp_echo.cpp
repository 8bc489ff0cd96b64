// A request and its answer over a loopback socket, on a connection of its own: what a client of a slow server does. The
// service time is the server's delay; connecting and copying come on top and are part of what is measured.

#include <stdexcept>
#include <string>

#include "workloads/catalogue.h"
#include "workloads/connection.h"
#include "workloads/digest.h"
#include "workloads/echo_protocol.h"
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
    const std::string payload = seeded_bytes(combine(work.seed, name()), static_cast<std::size_t>(work.bytes));
    const EchoHeaderBytes header = encode_echo_header({.delay_ns = work.wait_ns, .bytes = work.bytes});
    std::string request(reinterpret_cast<const char*>(header.data()), header.size());
    request += payload;

    Connection connection(name(), server_port(context, work.resource, name()));
    connection.write(request);
    std::string answer(payload.size(), '\0');
    connection.read(answer.data(), answer.size());
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
