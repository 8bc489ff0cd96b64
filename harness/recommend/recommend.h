#pragma once

// What should be used for some work: measured, predicted, verified.
//
// First the work is run one task at a time, then on each pool with one worker per core and with more, which shows what a
// task demands and what running several at a time costs. From that the model predicts the whole curve, and the few best
// candidates are run against the rules of thumb, interleaved in a seeded order, until the medians of those close to the fastest are known
// to 2 %, the budget has no room for another round, or there were 31. The choice is the cheapest of those within 2 % of the fastest (decision.h).
//
// Thread safety: one call at a time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/engine/runner.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/decision.h"
#include "harness/recommend/profile.h"

namespace harness::recommend {

// What is asked.
struct Question {
  std::string title;             // "./convert {}", "sleep"
  std::string workload;          // of the catalogue, or "command" or "function"
  int tasks = 64;                // of the batch
  std::int64_t task_ns = 0;      // of a catalogue workload
  std::int64_t callback_ns = 0;  // likewise; 0: no callbacks
  model::Demand callback = {};   // what such a callback demands
  std::int64_t payload_bytes = 0;
  int cores = 1;
  int most_workers = 64;
  std::chrono::nanoseconds budget = std::chrono::seconds(60);
  std::uint64_t seed = 1;
  std::vector<std::string> over_hosts =
      {};                   // the backends over one host, two, ... of those that were named; empty: this machine alone
  bool exhaustive = false;  // afterwards every point of the curve is run, too
};

struct Recommendation {
  Profile profile;
  Batch batch;                                  // what was run: perhaps fewer tasks than asked, so that the budget suffices
  std::vector<Point> curve;                     // predicted, best first
  std::vector<Measured> measured;               // fastest first
  std::size_t best = 0;                         // the fastest, index into measured
  std::size_t choice = 0;                       // what is recommended
  std::vector<std::size_t> ties;                // others that are as good (Decision::ties)
  std::int64_t one_at_a_time_ns = 0;            // all tasks of the batch, one after the other: from the first runs
  int rounds = 0;                               // so often the candidates were run that stayed close to the fastest
  std::optional<std::int64_t> leaving_pays_ns;  // of other hosts: from which task size on, by what the way costs; nothing: never
  std::vector<std::string> notes;               // what makes it less sure; one line each
  std::vector<Measured> exhaustive;             // if asked for: every point of the curve, fastest first, and the choice
  std::vector<Measured> judged;                 // then: the best of them and the choice, run again
  Regret regret;                                // and what they say of the choice
};

// Told what happens, for a line of progress: "5 of 8 candidates", and the share of the budget used.
using Progress = std::function<void(const std::string& what, double share)>;

// Thrown when the runner was interrupted.
struct Interrupted {};

// Throws ConfigError when a task fails or does not end in time: with its message.
Recommendation recommend(const Question& question, CellRunner& runner, const Progress& progress);

std::string text(const Question& question, const Recommendation& recommendation);
std::string json(const Question& question, const Recommendation& recommendation);

}  // namespace harness::recommend
