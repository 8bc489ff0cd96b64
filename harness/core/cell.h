#pragma once

// A Cell is one point of a sweep with every decision made: names resolved, sizes evaluated, durations drawn. Made by
// Plan, immutable afterwards, passed by reference. Knows numbers and names only, so that it can cross to a child
// process or to a foreign driver as JSON.

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

struct Cell {
  std::string cell_id;        // hash of the canonical factors: all of them but workers_spec
  std::string backend;        // "thread", "process", ...
  int workers = 1;
  std::string workers_spec;   // as the suite wrote it: "cores*5"
  int cores = 1;              // what this process may use
  std::string workload;
  std::string strategy;
  int parsers = 0;            // 0 unless the strategy is `extra`
  int tasks = 1;
  std::string distribution;   // equal, linear, uniform, exponential, heavy_tailed, or "explicit"
  std::int64_t task_ns = 0;        // the distribution's scale; of an explicit case the longest
  std::int64_t callback_ns = 0;    // of an explicit case the longest
  std::int64_t payload_bytes = 0;
  int chunksize = 1;
  std::string start_method;   // "exec" or "fork" on processes, "none" elsewhere
  std::uint64_t seed = 0;

  std::vector<std::int64_t> task_durations_ns;       // one per task, submission order
  std::vector<std::int64_t> callback_durations_ns;   // one per task; of `none` all zero
};

// The identity of a cell between runs and machines: 16 hexadecimal digits, a hash of every factor but workers_spec, the
// durations of each task and callback included. `cell.cell_id` itself does not enter. Pure; any thread.
std::string cell_id(const Cell& cell);

}  // namespace harness
