#pragma once

// A run: what commands that measure have in common, told once and in this order.
//
//   directory     made, checked and locked, its rows read; or what is there is put away first
//   calibration   of the latest run there by this program on this machine, or measured; that of drivers, too, where a cell is for one
//   records       the suite frozen, the planned cells and the context written, before the first row
//   sweep         gated if so set, under an InterruptScope; rows go to the files, to the command's sinks, to the line of progress
//
// A command says in RunSettings what it wants of that, plans, and tells what came of it.
//
// Not thread-safe; used on the main thread.

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/engine/child_runner.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/machine/environment.h"
#include "harness/plan/plan.h"
#include "harness/plan/suite.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/interrupt.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/sink.h"
#include "harness/sweep/sweep.h"
#include "workloads/work.h"

namespace harness {

struct RunSettings {
  std::vector<std::string> arguments = {};         // the command line
  std::optional<Environment> environment = {};     // goes into rows and context
  const Suite* suite = nullptr;                    // what is frozen; outlives the run
  std::string run_id = {};                         // what its id begins with; empty: an id of its own
  std::string sweep = {};                          // of a part: what the ids of all parts begin with
  std::filesystem::path directory = {};            // empty: no files. With one, environment and suite are required
  bool put_old_away = false;                       // the directory that is there is renamed, not resumed
  std::function<bool(const Sample&)> counts = {};  // which of the rows there need not be measured again; empty: all
  bool task_files = false;                         // tasks/<run_id>.csv, too
  bool evidence_files = false;                     // evidence/<run_id>.csv, too
  std::optional<GateRule> gate = {};
  std::optional<std::chrono::nanoseconds> time_budget = {};
  std::optional<workloads::Calibration> calibration = {};  // in place of the directory's or a measured one
  workloads::Subject subject = {};                         // what `command` and `function` run
};

class Run {
 public:
  // Opens the directory. Throws as RunDirectory.
  explicit Run(RunSettings settings);
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // The rows that count, this run's identity, its budget: what missing_steps() and failures_present() ask for. A command that
  // sweeps in rounds adds the rows of each.
  SweepOptions& options() { return options_; }

  // One sweep: of what is missing. Writes nothing where nothing is. REQUIRES: cells of every driver are in the first plan.
  // Throws ConfigError, EnvironmentError, OutputError.
  SweepOutcome measure(const Plan& plan, const Sinks& more);

  // measure(CellRunner&) under an InterruptScope: for what is no sweep.
  template <class Measure>
  auto interruptibly(Measure&& measure) {
    CellRunner& runner = this->runner();
    const InterruptScope scope(runner);
    return std::forward<Measure>(measure)(runner);
  }

  // No more repetitions: the runner goes, with its servers and its scratch directory. The output directory stays locked.
  void done_measuring();

  // Of the first measure() on, or as set.
  const workloads::Calibration& calibration() const { return *calibration_; }
  const drivers::Records& drivers() const { return drivers_; }

  GateCounts gate_counts() const;  // all 0 before measure() and after done_measuring()

  // One line: how many of the plan's repetitions are there already; empty where none is.
  std::string resumed_text(const Plan& plan) const;

  // One line: how far it came, and what resumes it where anything does.
  std::string interrupted_text(const SweepOutcome& outcome) const;

 private:
  void calibrate(const Plan& plan);
  void ask_drivers(const Plan& plan);
  void measure_loops(const Plan& plan);  // REQUIRES of both: an InterruptScope
  void measure_hops(const Plan& plan);
  void write_down(const Plan& plan);
  CellRunner& runner();

  RunSettings settings_;
  SweepOptions options_;
  std::optional<RunDirectory> directory_;
  std::optional<workloads::Calibration> calibration_;
  HostClocksOf clocks_;                       // of the plan's backends that are on other hosts
  drivers::Records drivers_;                  // of the plan's backends that drivers run
  std::vector<std::unique_ptr<Sink>> files_;  // beside results.csv; since write_down()
  bool written_down_ = false;
  std::unique_ptr<CellRunner> children_;
  std::unique_ptr<GatedRunner> gated_;
};

// kExitInterrupted, kExitCellsFailed if a repetition has failed, now or before, else kExitOk.
int exit_code(const SweepOutcome& outcome);

}  // namespace harness
