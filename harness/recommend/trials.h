#pragma once

// Repetitions of the work that a question is about, and how much of its budget they have used.
//
// Not thread-safe.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/engine/runner.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/recommend.h"
#include "harness/sweep/gate.h"

namespace harness::recommend {

// Who comes, and what becomes of those who find a full queue.
struct Clients {
  std::string arrivals = {};  // "poisson:300/s"
  int number = 1;
  std::uint64_t seed = 1;    // compared sizes are given the same
  std::int64_t task_ns = 0;  // what a task takes in the mean, where the question does not say
  int queue = 0;             // so many may wait; 0: any number
  std::string when_full = "none";
};

// What a repetition under arrivals has shown.
struct Visit {
  std::vector<std::int64_t> sojourns_ns = {};  // of each client, in their order; kNoStamp of who was rejected
  std::int64_t release_lag_p99_ns = 0;
  std::string invalid = {};  // why it does not count, then there are no sojourns: the generator was late
  bool too_long = false;     // likewise: it did not end within the budget
};

// No run is cut off before, however small the budget: on a busy machine its processes alone may take seconds to start.
inline constexpr std::chrono::seconds kLeastDeadline{10};

class Trials {
 public:
  // The budget runs from now on, but while the gate waits. All outlive it; `records` may be nullptr.
  Trials(const Question& question, CellRunner& runner, const Progress& progress, Records* records);

  // One repetition of so many tasks. Throws Interrupted; ConfigError, with what it says, when a task fails or the whole budget
  // does not suffice; EnvironmentError when the machine is not quiet enough for a strict question.
  Trace run(const Choice& choice, int tasks);

  // The makespan of the next repetition of that, ns: run, or one that the records have. Of Python's pools their start and end are part of it.
  // Throws likewise.
  std::int64_t time(const Choice& choice, int tasks);
  bool is_known(const Choice& choice, int tasks) const;  // whether the next time() of it would run nothing

  // The next repetition of that choice under those clients: run, or one that the records have. Throws as run, but for a late generator and for one
  // that did not end in time.
  Visit visit(const Choice& choice, const Clients& clients);
  bool is_known(const Choice& choice, const Clients& clients) const;  // whether the next visit() of it would run nothing

  // What the way to the first of the hosts costs, without its window, for such tasks. Throws as run. REQUIRES: hosts are asked about.
  model::Hop hop();

  double used() const;                                // share of the budget; more than 1 beyond it
  std::chrono::nanoseconds left(double share) const;  // until that share is used; negative beyond

  void tell(const std::string& what) const { progress_(what, used()); }
  void tell_beyond_budget(const std::string& what) const { progress_(what, 1); }

  // What a repetition has cost beside its makespan, on average: processes to start, the gate's windows.
  std::chrono::nanoseconds beside() const { return run_count_ > 0 ? beside_ / run_count_ : std::chrono::nanoseconds(0); }

  const std::string& noise() const { return noise_; }  // why the gate was given up; empty: it was not
  GateCounts gate_counts() const { return gated_ ? gated_->counts() : GateCounts{}; }

 private:
  using Clock = std::chrono::steady_clock;

  Factors factors_of(const Choice& choice, int tasks) const;
  Cell cell_of(const Choice& choice, int tasks) const;
  Cell cell_of(const Choice& choice, const Clients& clients) const;
  int next_rep(const Cell& cell) const;  // of those that are timed
  RepetitionResult repetition(const Cell& cell);
  std::int64_t value_of(const Sample& sample) const;
  Trace attempt(const Cell& cell, const Choice& choice, Sample& sample);

  const Question& question_;
  CellRunner& runner_;
  const Progress& progress_;
  Records* const records_;
  std::optional<GatedRunner> gated_;
  std::string noise_;
  std::chrono::nanoseconds beside_{0};  // of all repetitions
  int run_count_ = 0;
  std::map<std::string, int, std::less<>> timed_;  // by cell_id: how often
  std::map<std::string, int, std::less<>> run_;    // likewise of run()
  const Clock::time_point start_ = Clock::now();
};

}  // namespace harness::recommend
