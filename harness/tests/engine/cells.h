#pragma once

// Cells for the engine's tests: small, quick, of real workloads.

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/cell.h"
#include "harness/engine/prepared_cell.h"
#include "workloads/work.h"

namespace harness::testing_engine {

// A fixed rate of one unit per nanosecond: what a work costs does not matter here, only that it is the same everywhere.
inline workloads::Calibration unit_calibration() {
  return {.spin_units_per_ns = 1, .sort_units_per_ns = 1, .hash_units_per_ns = 1, .json_units_per_ns = 1, .html_units_per_ns = 1};
}

struct CellShape {
  std::string_view backend = "thread";
  std::string_view strategy = "none";
  std::string_view workload = "hash";
  int workers = 2;
  int tasks = 6;
  int parsers = 2;    // counts for `extra` only
  int chunksize = 2;  // counts for `map` only
  std::int64_t task_ns = 20'000;
  std::int64_t callback_ns = 10'000;
};

inline Cell make_cell(const CellShape& shape) {
  Cell cell;
  cell.backend = shape.backend;
  cell.strategy = shape.strategy;
  cell.workload = shape.workload;
  cell.workers = shape.backend == "inline" ? 1 : shape.backend == "thread_per_task" ? shape.tasks : shape.workers;
  cell.workers_spec = std::to_string(cell.workers);
  cell.tasks = shape.tasks;
  cell.parsers = shape.strategy == "extra" ? shape.parsers : 0;
  cell.chunksize = shape.strategy == "map" ? shape.chunksize : 1;
  cell.distribution = "explicit";
  cell.task_ns = shape.task_ns;
  cell.callback_ns = shape.strategy == "none" ? 0 : shape.callback_ns;
  cell.start_method = shape.backend == "process" ? "exec" : "none";
  cell.seed = 20;
  cell.task_durations_ns.assign(static_cast<std::size_t>(shape.tasks), cell.task_ns);
  cell.callback_durations_ns.assign(static_cast<std::size_t>(shape.tasks), cell.callback_ns);
  cell.cell_id = cell_id(cell);
  return cell;
}

inline PreparedCell make_prepared(const CellShape& shape) { return prepare(make_cell(shape), unit_calibration()); }

}  // namespace harness::testing_engine
