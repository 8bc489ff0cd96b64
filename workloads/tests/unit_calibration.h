#pragma once

// A machine that computes one unit of anything per ns.

#include "workloads/work.h"

namespace workloads {

inline const Calibration kUnit{1, 1, 1, 1, 1};

}  // namespace workloads
