#pragma once

// The same pool in a closed loop: what clients meet who wait for their answer before they ask again, as many of them as workers. That is a batch: a
// worker that has answered takes the next task at once. So how long each waits is in the traces of batches, and stands beside the latency of cells
// whose tasks arrive.
//
// Thread safety: pure functions, but for the files of `run_directory`, which they read.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/model/quantiles.h"

namespace harness {

struct ClosedLoop {
  std::size_t cell = 0;      // of Analysis::cells
  std::int64_t clients = 0;  // tasks of all repetitions that ended well: each is one client's request
  model::Quantile p50, p99;
  std::int64_t max_ns = 0;
  std::int64_t predicted_p50_ns = 0;  // by the model, of durations as they were asked for
  std::int64_t predicted_p99_ns = 0;
};

// The batches of a pool of the same size, with the same strategy, for the same kind of work as a cell whose tasks arrive; in the order of the cells.
// Only where nothing but the worker serves a client (`none`, `worker`, `fused`), and of cells with tasks/ and known durations. From the time at which
// a worker takes the task to the end of its callback, or its own. Throws ConfigError as read_task_rows.
std::vector<ClosedLoop> closed_loops(const Analysis& analysis, const std::filesystem::path& run_directory);

}  // namespace harness
