// CPU time, as exact as the calibration.

#include "workloads/catalogue.h"
#include "workloads/computation.h"
#include "workloads/digest.h"
#include "workloads/request.h"

namespace workloads {

std::uint64_t spin_steps(std::uint64_t state, std::int64_t steps) {
  // Shift, multiply, add, each needing the one before: the time is that of the chain, whatever the core does in
  // parallel.
  for (std::int64_t step = 0; step < steps; ++step) {
    state = (state ^ (state >> 29)) * 0xd6e8feb86659fd93ULL + 0x9e3779b97f4a7c15ULL;
  }
  return state;
}

namespace {

class Spin final : public Workload {
 public:
  std::string_view name() const override { return "spin"; }
  std::string_view summary() const override { return "computes for the asked time: dependent arithmetic in registers"; }

  Work make(const Request& request, const Calibration& calibration) const override {
    return {.compute_units = units_for(request.duration.count(), calibration.spin_units_per_ns), .seed = request.seed};
  }
  Demand demand(const Work& work, const Calibration& calibration) const override {
    return {.compute_ns = duration_of(work.compute_units, calibration.spin_units_per_ns)};
  }
  std::string_view callback(const Work&) const override { return "spin"; }

  Product run(const Work& work, const RunContext&, std::string_view) const override {
    return {.digest = spin_steps(combine(work.seed, "spin"), work.compute_units), .body = {}};
  }
};

}  // namespace

const Workload& spin_workload() {
  static const Spin kSpin;
  return kSpin;
}

}  // namespace workloads
