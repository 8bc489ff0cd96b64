#pragma once

// More scenarios of the race between thread pools, each a function of a peer: how small a task may be, how late one starts, what a worker
// weighs.

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <latch>
#include <vector>

#include "pools/benchmarks/peers/scenarios.h"

namespace pools::benchmarks::scenarios {

inline constexpr double kLongestGrain = 1 << 20;  // ns
inline constexpr double kShortestGrain = 1 << 4;

inline std::int64_t rounds_of(double ns) {
  static const auto kRounds = static_cast<double>(spin_rounds_of(std::chrono::nanoseconds(1 << 20)));
  return std::max<std::int64_t>(1, std::llround(kRounds * ns / kLongestGrain));
}

// METG(50 %), the minimum effective task granularity: ns of computing per task at which cores are kept busy for half of the time
// (Slaughter et al., "Task Bench", SC20, arXiv:1908.05790). efficiency(ns) is asked for tasks of about 1 ms, each next half as long, until
// it is below 0.5, twice in a row, as a disturbed burst may be; from the length before it is taken as linear in the logarithm. At least
// 16 ns, at most 1 ms.
template <class Efficiency>
double metg_of(const Efficiency& measure) {
  const auto efficiency = [&measure](double ns) {
    const double first = measure(ns);
    return first < 0.5 ? std::max(first, static_cast<double>(measure(ns))) : first;
  };
  double longer = efficiency(kLongestGrain);
  if (longer < 0.5) return kLongestGrain;
  for (double ns = kLongestGrain; ns > kShortestGrain;) {
    ns /= 2;
    const double shorter = efficiency(ns);
    if (shorter < 0.5) return ns * std::exp2((0.5 - shorter) / (longer - shorter));
    longer = shorter;
  }
  return kShortestGrain;
}

// As many tasks as take a quarter of the effort's time, ten per core at least.
inline std::int64_t tasks_of_grain(double ns, int cores, const Effort& effort, std::int64_t most) {
  const double in_time = effort.seconds / 4 * 1e9 * cores / ns;
  const auto bound = static_cast<double>(std::min(most, effort.tasks));
  return static_cast<std::int64_t>(std::clamp(in_time, std::min(bound, 10.0 * cores), bound));
}

template <Peer P>
Measured metg(const Entry& entry, const Effort& effort) {
  const int threads = P::kExecutedBy == ExecutedBy::thread_per_task ? usable_cores().count : executors<P>(entry);
  const int cores = std::min(threads, usable_cores().count);
  P pool(entry.workers);
  Burst timed;
  const auto efficiency = [&](double ns) {
    const auto work = [rounds = rounds_of(ns)] { spin(rounds); };
    const std::int64_t tasks = tasks_of_grain(ns, cores, effort, P::kMostTasks);
    timed = makespan(pool, tasks, work);
    return static_cast<double>(tasks) * ns / (timed.seconds * 1e9 * cores);
  };
  efficiency(kLongestGrain);  // all workers are there
  const double grain = metg_of(efficiency);
  return timed.measured(grain);
}

// ns from a submit to the start of its task, one after another on a pool that is idle: of `percent` percent of the tasks at most so many.
template <Peer P, int percent>
Measured start_delay(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  Clock::time_point started;  // of the task that is under way: read when its result is there
  const auto delays_of = [&](std::int64_t trips) {
    std::vector<double> delays = touched_room<double>(trips);
    together(pool, 1, [&](int) {
      for (std::int64_t trip = 0; trip < trips; ++trip) {
        const Clock::time_point submitted = Clock::now();
        pool.result(pool.submit([&started] {
          started = Clock::now();
          count_execution();
          return 1;
        }));
        delays.push_back(std::chrono::duration<double, std::nano>(started - submitted).count());
      }
    });
    return delays;
  };
  const std::int64_t trips = fitting_tasks(effort, effort.tasks, [&](std::int64_t warm) {
    const Clock::time_point begin = Clock::now();
    delays_of(warm);
    return seconds_since(begin);
  });
  const Executions before = executions();
  const Clock::time_point begin = Clock::now();
  std::vector<double> delays = delays_of(trips);
  const Burst timed{.seconds = seconds_since(begin), .ran = exactly(trips, before)};
  const auto at = delays.begin() + static_cast<std::ptrdiff_t>((delays.size() - 1) * percent / 100);
  std::nth_element(delays.begin(), at, delays.end());
  return timed.measured(*at);
}

// Growth of the resident memory, in bytes per worker, from before the pool is there until each worker is inside of a task.
template <Peer P>
Measured worker_memory(const Entry& entry, const Effort& /*effort*/) {
  ::malloc_trim(0);
  const Executions before = executions();
  const Clock::time_point begin = Clock::now();
  const std::int64_t without = resident_bytes();
  P pool(entry.workers);
  std::latch gate(1);
  double bytes = 0;
  together(pool, 1, [&](int) {
    occupy(pool, entry.workers, gate);
    bytes = static_cast<double>(resident_bytes() - without) / entry.workers;
    gate.count_down();
    pool.drain();
  });
  wait_for_executions(before, entry.workers);
  return Burst{.seconds = seconds_since(begin), .ran = exactly(entry.workers, before)}.measured(bytes);
}

}  // namespace pools::benchmarks::scenarios
