#pragma once

// Whether callbacks ran where their strategy says, by what the trace has of it: ids of processes and threads. A backend that runs them
// elsewhere does another work than the one that it is compared in.

#include <string>

#include "harness/core/cell.h"
#include "harness/core/trace.h"

namespace harness {

// What a backend leaves open.
struct MayRun {
  bool attaches_late = false;  // to a future that may be done by then, so that the callback runs on the thread that submits
  bool any_worker = false;     // a task's callback, on any thread of the main process but that which submits
};

// The first callback that ran elsewhere, in one line; empty if there is none. REQUIRES: defect_of(trace, cell) is empty.
std::string misplaced_callback(const Trace& trace, const Cell& cell, const MayRun& may);

}  // namespace harness
