#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pools/cores.h"

namespace pools::benchmarks {

// The pool sizes that matter: 1, 2, 4, the usable cores, five times as many.
inline void worker_counts(benchmark::internal::Benchmark* benchmark) {
  const std::int64_t cores = usable_cores().count;
  std::vector<std::int64_t> counts{1, 2, 4, cores, cores * 5};
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  benchmark->ArgName("workers");
  for (const std::int64_t count : counts) benchmark->Arg(count);
}

// An iteration is a whole burst; this gives the time of one task, in seconds (Google Benchmark prints "ns" and the like).
inline void report_per_task(benchmark::State& state, std::int64_t tasks_per_iteration) {
  state.SetItemsProcessed(state.iterations() * tasks_per_iteration);
  state.counters["per_task"] = benchmark::Counter(static_cast<double>(tasks_per_iteration),
                                                  benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

}  // namespace pools::benchmarks
