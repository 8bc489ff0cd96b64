// How long a plan will take, by the model without overheads.

#include <algorithm>

#include "harness/model/bounds.h"
#include "harness/model/case.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"
#include "harness/plan/plan.h"
#include "workloads/work.h"

namespace harness {
namespace {

// Beyond this many tasks the simulation of shared cores is not worth its time for an estimate.
constexpr int kMostSimulated = 5'000;

// What a repetition costs beside its makespan: a process, a pool, its end.
constexpr std::chrono::nanoseconds kRepetitionCost = std::chrono::milliseconds(20);

// max(sum/k, longest), computation on the cores.
std::int64_t bound(const model::Case& c) {
  if (c.executor == model::Executor::loop) return model::makespan_bounds(c).lower_ns;
  std::int64_t sum = 0;
  std::int64_t longest = 0;
  std::int64_t computing = 0;
  for (const auto* const demands : {&c.tasks, &c.callbacks}) {
    for (const model::Demand& demand : *demands) {
      sum += demand.service_ns();
      computing += demand.compute_ns;
      longest = std::max(longest, demand.service_ns());
    }
  }
  return std::max({sum / c.workers, longest, computing / std::max(1, c.cores)});
}

}  // namespace

std::chrono::nanoseconds predicted_makespan(const Cell& cell) {
  const model::Case c = requested_case(cell);
  if (cell.tasks > kMostSimulated && model::shares_cores(c))
    return std::chrono::nanoseconds(bound(c) + (c.arrivals_ns.empty() ? 0 : c.arrivals_ns.back()));
  return std::chrono::nanoseconds(model::simulate(c).makespan_ns);
}

std::chrono::nanoseconds estimated_time(const Cell& cell) {
  const std::chrono::nanoseconds makespan = predicted_makespan(cell);
  return makespan > std::chrono::nanoseconds::max() - kRepetitionCost ? std::chrono::nanoseconds::max()
                                                                      : makespan + kRepetitionCost;
}

std::chrono::nanoseconds estimated_time(const Plan& plan) {
  std::int64_t total = 0;
  for (const PlannedCell* const own : own_cells(plan)) {
    const PlannedCell& planned = *own;
    std::int64_t repetitions = 0;
    if (__builtin_mul_overflow(estimated_time(planned.cell).count(), std::int64_t{planned.runs} + planned.warmup, &repetitions) ||
        __builtin_add_overflow(total, repetitions, &total)) {
      return std::chrono::nanoseconds::max();
    }
  }
  return std::chrono::nanoseconds(total);
}

}  // namespace harness
