#pragma once

// Cells for the engine's tests: small, quick, of real workloads.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/cell.h"
#include "harness/engine/prepared_cell.h"
#include "harness/plan/cell_builder.h"
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
  int in_flight = 0;
  std::string_view arrivals = "closed";
  int queue = 0;
  std::string_view when_full = "none";
};

inline Cell make_cell(const CellShape& shape) {
  Factors factors;
  factors.backend = shape.backend;
  factors.strategy = shape.strategy;
  factors.workload = shape.workload;
  factors.workers = shape.backend == "inline" ? 1 : shape.backend == "thread_per_task" ? shape.tasks : shape.workers;
  factors.workers_spec = std::to_string(factors.workers);
  factors.parsers = shape.strategy == "extra" ? shape.parsers : 0;
  factors.chunksize = shape.strategy == "map" ? shape.chunksize : 1;
  factors.start_method = shape.backend == "process" ? "exec" : "none";
  factors.seed = 20;
  factors.in_flight = shape.in_flight;
  factors.arrivals = shape.arrivals;
  factors.queue = shape.queue;
  factors.when_full = shape.when_full;
  const auto n = static_cast<std::size_t>(shape.tasks);
  return CellBuilder(std::move(factors)).durations(std::vector(n, shape.task_ns), std::vector(n, shape.callback_ns)).build();
}

inline PreparedCell make_prepared(const CellShape& shape) { return prepare(make_cell(shape), unit_calibration()); }

}  // namespace harness::testing_engine
