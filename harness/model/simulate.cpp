#include "harness/model/simulate.h"

#include <algorithm>

#include "harness/model/coupled.h"
#include "harness/model/list_schedule.h"
#include "harness/model/loop_schedule.h"
#include "harness/model/shared_cores.h"

namespace harness::model {

bool shares_cores(const Case& c) {
  if (c.executor == Executor::loop) return !loop_contention(c).empty();
  if (c.serial || c.strategy == Strategy::sync) return false;  // one at a time
  bool computes = false;
  bool locks = false;
  const auto look = [&](const std::vector<Demand>& demands) {
    for (const Demand& demand : demands) {
      computes = computes || demand.compute_ns > 0;
      locks = locks || (demand.locked && demand.compute_ns > 0);
    }
  };
  look(c.tasks);
  if (has_callbacks(c.strategy)) look(c.callbacks);
  return locks || (computes && c.cores > 0);
}

namespace {

Prediction simulate_from_the_origin(const Case& c) {
  if (c.executor == Executor::loop) return schedule_loop(c);
  if (c.coupled) return simulate_coupled(c);
  return shares_cores(c) ? share_cores(c) : schedule_lists(c);
}

}  // namespace

Prediction simulate(const Case& c) {
  check(c);
  Prediction prediction = simulate_from_the_origin(c);
  if (!c.arrivals_ns.empty()) prediction.makespan_ns -= c.arrivals_ns.front();
  return prediction;
}

std::vector<std::int64_t> finish_times(const Case& c) {
  const Prediction prediction = simulate(c);
  std::vector<std::int64_t> finish;
  finish.reserve(prediction.tasks.size());
  for (const TaskTimes& times : prediction.tasks) finish.push_back(times.finish_ns);
  return finish;
}

}  // namespace harness::model
