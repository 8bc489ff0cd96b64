#pragma once

// What is different about cells that run on CPython's executors, for those who prepare and model cells.
//
// Thread safety: pure functions.

#include <string_view>

#include "harness/core/cell.h"
#include "workloads/work.h"

namespace harness::cpython {

inline constexpr std::string_view kThreadBackend = "cpython_thread";
inline constexpr std::string_view kProcessBackend = "cpython_process";

bool runs_on_cpython(const Cell& cell);

// The rates at which the cell's works are made: Python spins about a hundred times more slowly than C++, so that a task of
// 10 ms is a hundred times fewer steps there.
workloads::Calibration calibration_for(const Cell& cell, const workloads::Calibration& calibration);

// Whether tasks (callbacks: the same, but for `extra`) that compute in one process take turns under Python's GIL.
bool shares_gil(const Cell& cell, const workloads::Calibration& calibration);

// Whether one thread both feeds the workers and runs the callbacks (harness/model/coupled.h).
bool is_coupled(const Cell& cell);

}  // namespace harness::cpython
