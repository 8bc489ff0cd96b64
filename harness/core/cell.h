#pragma once

// A Cell is one point of a sweep with every decision made: names resolved, sizes evaluated, durations drawn. Made by
// CellBuilder (plan/cell_builder.h), immutable afterwards, passed by reference. Knows numbers and names only, so that it can cross to a child
// process or to a foreign driver as JSON.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/core/factors.h"

namespace harness {

struct Cell : Factors {
  std::string cell_id;  // hash of the factors that decide it and of all durations

  std::vector<std::int64_t> task_durations_ns;      // one per task, submission order
  std::vector<std::int64_t> callback_durations_ns;  // one per task; of `none` all zero
  std::vector<std::int64_t> arrivals_ns =
      {};  // when each task comes, from the origin of the arrivals, non-decreasing; closed: empty
};

// The identity of a cell between runs and machines: 16 hexadecimal digits, a hash of every factor but workers_spec, the
// durations of each task and callback included, and when each arrives. Pure; any thread.
std::string cell_id(const Factors& factors, std::span<const std::int64_t> task_durations_ns,
                    std::span<const std::int64_t> callback_durations_ns, std::span<const std::int64_t> arrivals_ns = {});
// `cell.cell_id` itself does not enter.
std::string cell_id(const Cell& cell);

}  // namespace harness
