#pragma once

// What tests of concurrency groups ask: pools that have some, how many of a group's tasks run at a time, and the counts of a group.

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "pools/options.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/event_log.h"

namespace pools::test {

template <class Pool>
OptionsOf<Pool> grouped_options(int workers, std::vector<ConcurrencyGroup> groups, QueueOptions queue = {}) {
  OptionsOf<Pool> options = options_for<Pool>(workers, queue);
  options.groups = std::move(groups);
  return options;
}

// Counts itself in `file`, where each of several at a time leaves a mark of 1 on its way in and -1 on its way out.
inline void mark_in_and_out(const std::string& file) {
  log_value(file, 1);
  log_value(file, -1);
}
inline int mark_and_return(const std::string& file) {
  mark_in_and_out(file);
  return 1;
}
inline int most_at_a_time(const std::string& file) {
  int now = 0;
  int most = 0;
  for (const int step : logged(file)) most = std::max(most, now += step);
  return most;
}

// The numbers of the only group: running, waiting, limit.
template <class Pool>
std::vector<std::uint64_t> group_counts(const Pool& pool) {
  const PoolMetrics metrics = pool.metrics();
  const GroupMetrics& group = metrics.groups.at(0);
  return {static_cast<std::uint64_t>(group.running), group.waiting, static_cast<std::uint64_t>(group.limit)};
}

}  // namespace pools::test
