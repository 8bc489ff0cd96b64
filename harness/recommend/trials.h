#pragma once

// Repetitions of the work that a question is about, and how much of its budget they have used.
//
// Not thread-safe.

#include <chrono>
#include <string>

#include "harness/core/trace.h"
#include "harness/engine/runner.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/recommend.h"
#include "workloads/work.h"

namespace harness::recommend {

class Trials {
 public:
  // The budget runs from now on. All three outlive it.
  Trials(const Question& question, CellRunner& runner, const Progress& progress);

  // One repetition of so many tasks. Throws Interrupted; ConfigError, with what it says, when a task fails or the whole budget
  // does not suffice.
  Trace run(const Choice& choice, int tasks);

  // What the way to the first of the hosts costs. Throws as run.
  workloads::Calibration::Hop hop();

  double used() const;                                // share of the budget; more than 1 beyond it
  std::chrono::nanoseconds left(double share) const;  // until that share is used; negative beyond

  void tell(const std::string& what) const { progress_(what, used()); }
  void tell_beyond_budget(const std::string& what) const { progress_(what, 1); }

 private:
  using Clock = std::chrono::steady_clock;

  std::string backend_of(const Choice& choice) const;
  Cell cell_of(const Choice& choice, int tasks) const;

  const Question& question_;
  CellRunner& runner_;
  const Progress& progress_;
  const Clock::time_point start_ = Clock::now();
};

}  // namespace harness::recommend
