// What is carried: a task whose result is a payload of so many bytes. It waits for the rest of its time.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "workloads/async.h"
#include "workloads/catalogue.h"
#include "workloads/clock.h"
#include "workloads/digest.h"
#include "workloads/event_loop.h"
#include "workloads/request.h"

namespace workloads {
namespace {

constexpr std::int64_t kUsualPayload = 1024;
constexpr std::int64_t kLargestPayload = std::int64_t{64} << 20;

class Payload final : public Workload {
 public:
  std::string_view name() const override { return "payload"; }
  std::string_view summary() const override { return "waits for the asked time; its result carries the payload's bytes"; }

  Work make(const Request& request, const Calibration&) const override {
    return {.wait_ns = request.duration.count(),
            .bytes = payload_of(request, name(), kUsualPayload, 1, kLargestPayload),
            .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration&) const override { return {.wait_ns = work.wait_ns}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  // Making the bytes is part of the time: it ends when it would without them, unless there are more than fit.
  Product run(const Work& work, const RunContext&, std::string_view) const override {
    const std::int64_t deadline_ns = deadline_after_ns(work.wait_ns);
    Product product = made(work);
    if (work.wait_ns > 0) sleep_until_ns(deadline_ns);
    return product;
  }
  Async<Product> run_on(OnLoop& on, const Work& work, const RunContext&, std::string_view) const override {
    const std::int64_t deadline_ns = deadline_after_ns(work.wait_ns);
    Product product = made(work);
    if (work.wait_ns > 0) co_await on.sleep_until(deadline_ns);
    co_return product;
  }

 private:
  static Product made(const Work& work) {
    std::string bytes = seeded_bytes(work.seed, static_cast<std::size_t>(work.bytes));
    const std::uint64_t digest = combine(combine(work.seed, "payload"), bytes);
    return {.digest = digest, .body = std::move(bytes)};
  }
};

}  // namespace

const Workload& payload_workload() {
  static const Payload kPayload;
  return kPayload;
}

}  // namespace workloads
