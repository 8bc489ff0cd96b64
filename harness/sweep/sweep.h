#pragma once

// Plan x CellRunner x sinks: which repetition runs when, and what becomes of it. The engine does no I/O of its own and
// knows neither files nor signals: it asks `stop` between repetitions and tells the sinks, so tests drive it with a mock
// runner and a fake clock.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/engine/runner.h"
#include "harness/plan/plan.h"
#include "harness/sweep/sinks/sink.h"

namespace harness {

struct SweepOptions {
  std::string run_id;
  std::string machine_id;
  std::string build_id;
  std::vector<Sample> present;                          // rows that results.csv already holds
  std::optional<std::chrono::nanoseconds> time_budget;  // no repetition starts that would likely end later
  std::function<bool()> stop = [] { return false; };    // interrupt_requested
  std::function<std::int64_t()> now_ns;                 // monotonic; default: CLOCK_MONOTONIC
  std::function<std::string()> now_utc;                 // ISO 8601, microseconds, Z; default: the system clock
};

// One repetition at its place in the order.
struct Step {
  int cell = 0;  // index into Plan::cells
  int rep = 0;
  bool is_warmup = false;
  int run_order = 0;  // position in the order of the whole plan: the same whether or not the run was resumed
};

// All repetitions of the plan in its order, from its seed. Warm-up rounds come before all measured ones (in `batch`: before
// those of the cell).
std::vector<Step> ordered_steps(const Plan& plan);

// The steps for which `present` has no row with the same (cell_id, rep, is_warmup, build_id, machine_id). A cell whose
// measured repetitions are all present needs no warm-up any more. A row of any status counts: a crash is a result.
std::vector<Step> missing_steps(const Plan& plan, const SweepOptions& options);

// Rows among `present` of this plan, build and machine whose status is not ok.
int failures_present(const Plan& plan, const SweepOptions& options);

struct SweepOutcome {
  int steps = 0;          // repetitions that were missing when the sweep began
  int run = 0;            // rows added
  int failed = 0;         // rows added whose status is not ok, warm-ups included
  int failed_before = 0;  // failures_present()
  bool interrupted = false;
  bool out_of_time = false;
  std::chrono::nanoseconds measuring{0};      // from the first repetition's start to the last one's end
  std::chrono::nanoseconds sum_makespans{0};  // of the rows added that are ok
  int remaining() const { return steps - run; }
};

// Checks the digests of every cell that has missing steps, then runs them. A cell whose check fails gets a row of status
// "invalid" per missing measured repetition and is not run. Throws what a sink throws (OutputError): rows stored are kept.
SweepOutcome run_sweep(const Plan& plan, CellRunner& runner, Sinks& sinks, const SweepOptions& options);

}  // namespace harness
