#pragma once

// Synthetic rows: samples of claims and of cells, as a run would have left them.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/sample.h"
#include "harness/plan/cell_builder.h"
#include "harness/validate/claims.h"

namespace harness::testing_verdict {

// 8 tasks of 10 ms that only wait, on so many workers.
inline Cell sleep_cell(const std::string& backend, int workers, int cores = 2) {
  Factors factors;
  factors.backend = backend;
  factors.workers = workers;
  factors.workers_spec = workers == 10 ? "cores*5" : std::to_string(workers);
  factors.cores = cores;
  factors.workload = "sleep";
  factors.strategy = "none";
  factors.tasks = 8;
  factors.distribution = "equal";
  factors.task_ns = 10'000'000;
  factors.seed = 5;
  return CellBuilder(factors).build();
}

inline Sample sample_with(const Cell& cell, std::int64_t rep, std::int64_t makespan_ns) {
  Sample sample = sample_of(cell);
  sample.run_id = "run";
  sample.machine_id = "machine";
  sample.build_id = "build";
  sample.rep = rep;
  sample.makespan_ns = makespan_ns;
  return sample;
}

// One sample per makespan, in ms.
inline std::vector<Sample> samples_with(const Cell& cell, const std::vector<std::int64_t>& makespans_ms) {
  std::vector<Sample> samples;
  for (const std::int64_t ms : makespans_ms) {
    samples.push_back(sample_with(cell, static_cast<std::int64_t>(samples.size()), ms * 1'000'000));
  }
  return samples;
}

inline const Claim& claim_named(std::string_view id) {
  for (const Claim& claim : claims()) {
    if (claim.id == id) return claim;
  }
  throw std::logic_error("no claim " + std::string(id));
}

}  // namespace harness::testing_verdict
