#pragma once

// What should be used for some work: measured, predicted, verified.
//
// First the work is run one task at a time, then on each pool with one worker per core and with more, which shows what a task demands and
// what running several at a time costs. From that the model predicts the whole curve, and the few best candidates are run against the rules
// of thumb, interleaved (first in the order of the predictions, then in seeded ones), until the medians of those close to the fastest are
// known to 2 %, the budget has no room for another round, or there were 31. What the first runs blamed (a lock, contention) and these refute
// is dropped, and the curve predicted anew (causes.h). The choice is the cheapest of what cannot be told from the fastest (decision.h).
//
// All tasks are run as long as the budget suffices for the best candidates. Where it does not, fewer are, and the answer for all of them is the
// model's, with what the runs were off by; the choice is run once with all of them if there is time.
//
// Thread safety: one call at a time.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/look.h"
#include "harness/engine/runner.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/decision.h"
#include "harness/recommend/extrapolation.h"
#include "harness/recommend/own_snippet.h"
#include "harness/recommend/profile.h"
#include "harness/recommend/python_work.h"
#include "harness/sweep/gate.h"

namespace harness::recommend {

class Records;  // records.h

// What is asked of a Python function, and what calling it has shown. Starting the pool and ending it is part of what it takes.
struct PythonQuestion {
  PythonWork work;
  Seen seen;
  std::string interpreter;  // "cpython 3.11.2 (/usr/bin/python3)"
  std::string suffix = {};  // of its backends: "@3.13"
  bool one_lock = true;     // it has a GIL
  // Runs the program that is printed (program.h), and says what its main() took, ns. Throws ConfigError: it failed. Empty: it is not run.
  std::function<std::int64_t(const std::string& code, std::chrono::nanoseconds within)> run_program = {};
};

// When a repetition counts: only on a quiet machine.
struct Quiet {
  GateRule rule;
  bool strict = false;  // a machine that does not become quiet is refused; else it is said, and the rest is run all the same
  GateSeams seams = {};
};

// What is asked.
struct Question {
  std::string title;             // "./convert {}", "sleep", "crawler:fetch"
  std::string workload;          // of the catalogue, or "command", "function", "python:MODULE:FUNCTION"
  int tasks = 64;                // of the batch
  int inputs = 0;                // of work of the user's own: so many are there, from the first again for more tasks
  std::int64_t task_ns = 0;      // of a catalogue workload
  std::int64_t callback_ns = 0;  // likewise; 0: no callbacks
  model::Demand callback = {};   // what such a callback demands
  std::int64_t payload_bytes = 0;
  int cores = 1;
  int most_workers = 64;
  std::chrono::nanoseconds budget = std::chrono::seconds(60);
  std::uint64_t seed = 1;
  bool exhaustive = false;                                  // afterwards every point of the curve is run, too
  std::optional<Quiet> quiet = {};                          // nothing: whatever else the machine does, every repetition counts
  std::vector<Pool> pools = {Pool::thread, Pool::process};  // the curve is over these
  std::vector<std::string> over_hosts = {};  // and the backends over one other host, two, ... of those that were named
  std::vector<Pool> variants = {};  // tried instead of the fastest's pool, of its kind (threads, processes), with its workers
  std::optional<PythonQuestion> python = {};
  std::optional<OwnQuestion> own = {};  // of a command or a function of a shared object
  std::string callback_workload = {};   // of these: "command:jq .name", "function:./libx.so:parse"; empty: no callbacks
};

// The backend of its pool: "thread", "cpython_thread", "cpython_process@3.13", "remote:a,b".
std::string backend_of(const Question& question, const Choice& choice);

// Of the program that is printed for a Python function.
struct ProgramRuns {
  std::vector<std::int64_t> main_ns = {};  // what its main() took, in each run
  std::string failure = {};                // why there are no more, in one line for people; empty: none failed
};

struct Recommendation {
  Profile profile;
  Batch batch;                            // what was run: perhaps fewer tasks than asked
  std::optional<Extrapolation> all = {};  // if so: the answer for as many as were asked for
  std::vector<Point> too_long = {};       // candidates that were not run since the budget does not suffice for them, predicted
  std::vector<Point> curve;               // predicted, best first
  std::vector<Measured> measured;         // fastest first
  std::size_t best = 0;                   // the fastest, index into measured
  std::size_t choice = 0;                 // what is recommended
  std::vector<std::size_t> ties;          // others that cannot be told from the fastest (Decision::ties)
  int fewest_workers = 1;                 // of those on the choice's pool with its strategy, the choice included
  int most_workers = 1;
  std::string noise = {};  // why it is too noisy to tell; empty: it is not
  GateCounts gate = {};
  ProgramRuns program = {};           // of a Python function: of the printed program
  std::int64_t one_at_a_time_ns = 0;  // all tasks of the batch, one after the other: from the first runs
  int rounds = 0;                     // so often the candidates were run that stayed close to the fastest
  std::vector<std::string> notes;     // what makes it less sure; one line each
  std::vector<Measured> exhaustive;   // if asked for: every point of the curve, fastest first, and the choice
  std::vector<Measured> judged;       // then: the best of them and the choice, run again
  Regret regret;                      // and what they say of the choice
};

// Told what happens, for a line of progress: "5 of 8 candidates", and the share of the budget used.
using Progress = std::function<void(const std::string& what, double share)>;

// Thrown when the runner was interrupted.
struct Interrupted {};

// Throws ConfigError when a task fails or does not end in time: with its message; EnvironmentError when the machine is not quiet and `strict` is
// set. `records` (nullptr: none) keep every repetition, and what they have already is not run again.
Recommendation recommend(const Question& question, CellRunner& runner, const Progress& progress, Records* records = nullptr);

// What is recommended, for as many tasks as were asked for.
const Choice& choice_of(const Recommendation& recommendation);

// What the choice takes, of all tasks: as it was run, or else as predicted.
std::int64_t time_of_choice(const Recommendation& recommendation);

// The choice against a rule of thumb: how many times as long that takes.
struct Comparison {
  std::string rule;           // "cores*5 = 10 threads"
  model::Ratio ratio;         // with its 95 % interval
  bool is_predicted = false;  // the rule was not run, or not with all tasks
  bool is_one_run = false;    // of the rule or of the choice: the interval says nothing
};
std::vector<Comparison> comparisons(const Recommendation& recommendation);
std::string interval_text(const Measured& measured);  // "[198 ms, 203 ms]", "one run"
std::string how_sure_text(const Question& question, const Recommendation& recommendation);
std::string ties_text(const Recommendation& recommendation);  // what cannot be told from the fastest, but for the choice
std::string headline(const Question& question, const Recommendation& recommendation);  // the choice and what it takes
std::string reason(const Question& question, const Recommendation& recommendation);    // why that choice, in plain words

std::string text(const Question& question, const Recommendation& recommendation, const Look& look = {});
std::string markdown(const Question& question, const Recommendation& recommendation);
std::string json(const Question& question, const Recommendation& recommendation);

}  // namespace harness::recommend
