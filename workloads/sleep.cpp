// Waits and does nothing else: the tutorial's time.sleep(). And the commonest mistake on an event loop: to wait so there, holding its
// thread.

#include "workloads/async.h"
#include "workloads/catalogue.h"
#include "workloads/clock.h"
#include "workloads/digest.h"
#include "workloads/event_loop.h"

namespace workloads {
namespace {

class Sleep final : public Workload {
 public:
  std::string_view name() const override { return "sleep"; }
  std::string_view summary() const override { return "waits for the asked time: clock_nanosleep to an absolute deadline"; }

  Work make(const Request& request, const Calibration&) const override {
    return {.wait_ns = request.duration.count(), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration&) const override { return {.wait_ns = work.wait_ns}; }
  std::string_view callback(const Work&) const override { return "sleep"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    if (work.wait_ns > 0) sleep_until_ns(deadline_after_ns(work.wait_ns));
    return {.digest = combine(work.seed, "sleep"), .body = {}};
  }
  Async<Product> run_on(OnLoop& on, const Work& work, const RunContext&, std::string_view) const override {
    if (work.wait_ns > 0) co_await on.sleep_until(deadline_after_ns(work.wait_ns));
    co_return Product{.digest = combine(work.seed, "sleep"), .body = {}};
  }
};

class BlockingSleep final : public Workload {
 public:
  std::string_view name() const override { return "blocking_sleep"; }
  std::string_view summary() const override {
    return "waits as sleep does, and holds its thread meanwhile on an event loop, too";
  }

  Work make(const Request& request, const Calibration&) const override {
    return {.wait_ns = request.duration.count(), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration&) const override { return {.wait_ns = work.wait_ns, .blocking = true}; }
  std::string_view callback(const Work&) const override { return "blocking_sleep"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    if (work.wait_ns > 0) sleep_until_ns(deadline_after_ns(work.wait_ns));
    return {.digest = combine(work.seed, "blocking_sleep"), .body = {}};
  }
};

}  // namespace

const Workload& sleep_workload() {
  static const Sleep kSleep;
  return kSleep;
}

const Workload& blocking_sleep_workload() {
  static const BlockingSleep kBlockingSleep;
  return kBlockingSleep;
}

}  // namespace workloads
