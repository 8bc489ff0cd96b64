// Waits and does nothing else: the tutorial's time.sleep().

#include "workloads/catalogue.h"
#include "workloads/clock.h"
#include "workloads/digest.h"

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
};

}  // namespace

const Workload& sleep_workload() {
  static const Sleep kSleep;
  return kSleep;
}

}  // namespace workloads
