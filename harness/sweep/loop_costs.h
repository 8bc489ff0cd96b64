#pragma once

// What an event loop costs here: a wake-up, and each thing that it takes up.

#include <optional>
#include <string>

#include "harness/engine/runner.h"
#include "workloads/work.h"

namespace harness {

// Measured on the loop itself, in about 0.3 s: how much later than asked for one sleeping task ends on `workers` idle threads, and 512 of
// them, each the median of five repetitions. Nothing where a repetition fails or is interrupted.
std::optional<workloads::Calibration::Loop> measure_loop(CellRunner& runner, const std::string& backend, int workers, int cores);

}  // namespace harness
