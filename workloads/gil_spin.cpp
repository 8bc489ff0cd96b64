// CPU work under one lock per process, as Python code computes in CPython: threads take turns, processes do not.

#include <algorithm>
#include <mutex>

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/request.h"
#include "workloads/switching_lock.h"

namespace workloads {
namespace {

// Steps between two checks: some microseconds, far below the interval and far above the cost of a check.
constexpr std::int64_t kStepsPerCheck = 1024;

class GilSpin final : public Workload {
 public:
  std::string_view name() const override { return "gil_spin"; }
  std::string_view summary() const override {
    return "computes like spin, under one lock per process that changes hands every 5 ms, as CPython's GIL";
  }

  Work make(const Request& request, const Calibration& calibration) const override {
    return {.compute_units = units_for(request.duration.count(), calibration.spin_units_per_ns), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration& calibration) const override {
    return {.compute_ns = duration_of(work.compute_units, calibration.spin_units_per_ns), .process_wide_lock = true};
  }
  std::string_view callback(const Work&) const override { return "gil_spin"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    SwitchingLock& interpreter = interpreter_lock();
    const std::lock_guard holding(interpreter);
    std::uint64_t state = combine(work.seed, "gil_spin");
    for (std::int64_t left = work.compute_units; left > 0; left -= kStepsPerCheck) {
      state = spin_steps(state, std::min(left, kStepsPerCheck));
      interpreter.check();
    }
    return {.digest = state, .body = {}};
  }
};

}  // namespace

const Workload& gil_spin_workload() {
  static const GilSpin kGilSpin;
  return kGilSpin;
}

}  // namespace workloads
