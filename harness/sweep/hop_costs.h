#pragma once

// What the way to the workers of a RemotePool costs here, and what the clocks of its hosts say.

#include <optional>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/engine/runner.h"
#include "workloads/work.h"

namespace harness {

struct HopCosts {
  workloads::Calibration::Hop hop;
  std::vector<HostClock> clocks;
};

// Measured on such a pool itself, one worker on each host, in about a second: the round trip of an empty task (the median of 200, one at a
// time), what each of 4,000 takes that are submitted at once, and how much longer a result of 1 MiB is on its way. Nothing where a repetition
// fails or is interrupted.
std::optional<HopCosts> measure_hop(CellRunner& runner, const std::string& backend, int cores);

}  // namespace harness
