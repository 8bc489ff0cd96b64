#pragma once

// How many workers serve clients who come at a rate, so that percentiles of their sojourns keep bounds: measured, predicted, verified.
//
// The work is profiled as for a batch (profiling.h). The model predicts percentiles over pool, workers and strategy (service.h); the least size that
// keeps every bound with the margin (sizing.h) is taken, of threads if they do, else of processes. It and its neighbours are run under those
// arrivals, in rounds of other clients each, the same for all sizes, and further sizes until the least that keeps the bounds is bracketed or three
// quarters of the budget are used. Then the rate up to which the size holds is sought by bisection in the model, and looked at with what is left of
// the budget, and so is what bounded queues make of more.
//
// Thread safety: one call at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/recommend/recommend.h"
#include "harness/recommend/served_size.h"
#include "harness/recommend/service.h"

namespace harness::recommend {

struct Serving {
  Profile profile;
  Batch batch;                       // tasks: so many clients are modelled
  int clients = 0;                   // and so many come in one repetition
  std::vector<ServicePoint> curve;   // all that was predicted at the rate, in the order of pool, strategy, workers
  bool kept = false;                 // something keeps the bounds, or was not shown not to
  bool sure = false;                 // it was measured to, with its whole interval
  ServicePoint chosen;               // it, in the long run by the model; if nothing does, what comes nearest
  int minimum_workers = 1;           // on the choice's pool with its strategy no fewer do
  bool minimum_known = false;        // one fewer failed or cannot serve the rate; else it is the model's
  std::vector<ServedSize> measured;  // at the rate, by workers
  // The largest rate that the choice serves within the bounds, by the model, and the percentiles beyond it: at passes_at_per_s. Where nothing keeps
  // them at the rate: the largest that anything serves so, and what does; if the model has that beyond the rate, one that was run. Nothing: not
  // even the least.
  std::optional<double> holds_up_to_per_s = {};
  Choice holder;
  double passes_at_per_s = 0;
  PercentileTimes passes_ns{};
  std::string binds;                            // what keeps it from more: a server of model::Limit, or "the task itself"
  std::optional<model::Limit> binds_next = {};  // where it is workers: what would be next, however many there were
  std::vector<ServedSize> checks;               // the holder, near that rate
  struct BeyondRun {
    Beyond beyond;
    std::optional<ServedSize> run = {};
  };
  std::vector<BeyondRun> beyond;
  int rounds = 0;
  std::int64_t release_lag_p99_ns = 0;  // of all that counts: the worst
  std::string noise = {};               // as Recommendation
  GateCounts gate = {};
  std::vector<std::string> notes = {};
};

// Throws as recommend(); ConfigError too when so few clients come within the budget that no percentile is known.
// REQUIRES: the question has no Python function, no hosts, and is not exhaustive.
Serving serve(const Question& question, const Objective& objective, CellRunner& runner, const Progress& progress,
              Records* records = nullptr);

std::string serving_reason(const Serving& serving);  // what binds, in plain words
std::string text(const Question& question, const Objective& objective, const Serving& serving, const Look& look = {});
std::string markdown(const Question& question, const Objective& objective, const Serving& serving);
std::string json(const Question& question, const Objective& objective, const Serving& serving);
std::string service_csv(const Objective& objective, const Serving& serving);  // a line per point that was predicted or run

}  // namespace harness::recommend
