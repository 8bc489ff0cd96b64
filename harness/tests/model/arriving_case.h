#pragma once

// Cases whose tasks arrive and wait, for tests.

#include <cstdint>
#include <utility>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

inline Case arriving(std::vector<std::int64_t> arrivals, const std::vector<std::int64_t>& waits_of_tasks, int workers) {
  Case c;
  c.workers = workers;
  c.tasks = waits(waits_of_tasks);
  c.arrivals_ns = std::move(arrivals);
  return c;
}

inline std::vector<std::int64_t> starts_of(const Prediction& prediction) {
  std::vector<std::int64_t> starts;
  for (const TaskTimes& times : prediction.tasks) starts.push_back(times.start_ns);
  return starts;
}

}  // namespace harness::model
