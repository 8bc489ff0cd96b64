#pragma once

// A cell with everything made that running it needs: what crosses to the process that runs a repetition. Nothing in it
// depends on calibration any more, so that every process does the same work. Immutable once made.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/cell.h"
#include "workloads/work.h"

namespace harness {

struct PreparedCell {
  Cell cell;
  std::vector<workloads::Work> tasks;      // one per task, submission order
  std::vector<workloads::Work> callbacks;  // one per task; empty when the strategy is `none`
  workloads::RunContext context;
  std::string driver = {};  // drivers::origin_of the backend
};

// The seed of task `index` of a cell: consecutive within a cell and even for task 0, so that what depends on the seed's
// parity (HTML or JSON) alternates; far apart between cells of different seeds.
std::uint64_t task_seed(std::uint64_t cell_seed, int index);

// Makes the works; the context is left empty. Throws ConfigError for an unknown workload or a payload that it refuses.
// REQUIRES: one task duration and one callback duration per task of the cell.
PreparedCell prepare(const Cell& cell, const workloads::Calibration& calibration);

// What the works, callbacks included, need before they can run: what the context has to provide.
workloads::Needs needs_of(const PreparedCell& prepared);

}  // namespace harness
