#pragma once

// The CellRunner of the program: each repetition in a re-executed child with a deadline. A crash, a hang, a failed
// exec or an exception becomes a status; whatever happens, no process of a repetition is left behind when run()
// returns.
//
// Servers and the scratch directory are made when a cell first needs them, serve all later ones, and go with the
// runner.

#include <filesystem>
#include <memory>

#include "harness/engine/runner.h"
#include "workloads/work.h"

namespace harness {

struct RunnerOptions {
  workloads::Calibration calibration;  // what makes works of durations
  workloads::Subject subject = {};     // of cells of the user's own work that name no inputs; else they say it (own/own_work.h)
  std::filesystem::path scratch_parent = {};  // where the scratch directory is made; empty: the system's temporary directory
};

// REQUIRES: main() calls internal_entry(). Makes the process the reaper of its orphaned descendants
// (PR_SET_CHILD_SUBREAPER). Throws EnvironmentError when there is no temporary directory. An interrupt is final: every run() after it returns interrupted.
std::unique_ptr<CellRunner> make_child_runner(RunnerOptions options);

}  // namespace harness
