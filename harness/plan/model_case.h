#pragma once

// Cell -> model::Case: what the model is asked about a cell.
//
// Thread safety: pure functions.

#include <optional>
#include <string>

#include "harness/core/cell.h"
#include "harness/model/case.h"
#include "workloads/work.h"

namespace harness {

// Of a cell whose tasks and callbacks only wait (workload `sleep`). Throws ConfigError when the model does not know the
// strategy or the durations sum to more than 2^63-1 ns. REQUIRES: one task and one callback duration per task.
model::Case waiting_case(const Cell& cell);

// What becomes of tasks that find a full queue.
void set_full_queue(const Factors& factors, model::Case& c);

// Of any cell: the works are made as for a repetition and their demands asked of the workload. On threads, demands
// under a process-wide lock share one; worker processes and parsers have one each. Throws as above, ConfigError for an
// unknown workload, and what the workload throws for a duration or payload it cannot have. REQUIRES: as above.
struct ModelledCell {
  model::Case model_case;
  bool task_known = true;      // false: the workload gives its tasks no defined service time (a disk, say)
  bool callback_known = true;  // false: likewise of the callbacks
};
ModelledCell modelled_case(const Cell& cell, const workloads::Calibration& calibration);

// The way to workers on other hosts, for such tasks: what is permitted there at a time follows from their length.
model::Hop hop_for(const model::Case& c, const model::Hop& costs);

// The same without a calibration: every work takes what was asked for.
model::Case requested_case(const Cell& cell);

}  // namespace harness
