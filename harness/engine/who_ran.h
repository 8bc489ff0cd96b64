#pragma once

// Whether callbacks ran where their strategy says, by what the trace has of it: ids of processes and threads. A backend that runs them
// elsewhere does another work than the one that it is compared in.

#include <string>

#include "harness/core/cell.h"
#include "harness/core/trace.h"

namespace harness {

// The first callback that ran elsewhere, in one line; empty if there is none. `attaches_late`: the backend attaches a callback to a future
// that may be done by then, so that it runs on the thread that submits. REQUIRES: defect_of(trace, cell) is empty.
std::string misplaced_callback(const Trace& trace, const Cell& cell, bool attaches_late);

}  // namespace harness
