#pragma once

// What the model says of clients that come over time: percentiles of their sojourns over pool, workers and strategy, what those can serve for
// ever, and what becomes of more than that.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/factors.h"
#include "harness/model/capacity.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/objective.h"

namespace harness::recommend {

// So many clients are simulated for a point of the curve.
inline constexpr int kModelledClients = 20'000;

struct ServicePoint {
  Choice choice;
  PercentileTimes sojourns_ns{};
  double capacity_per_s = 0;
  double share = 0;  // the largest of percentile over bound
  double load = 0;   // rate over capacity

  bool keeps() const { return load < 1 && share <= 1; }
  bool keeps_with_margin() const;  // sizing.h
};

// `batch.tasks` clients that come at that rate, drawn from `seed`; the first tenth of them counts in no percentile. REQUIRES: rate_per_s > 0.
ServicePoint predict_service(const Profile& profile, const Batch& batch, const Choice& choice, const Objective& objective,
                             double rate_per_s, std::uint64_t seed);
// The sojourns themselves, in the order of the clients, all of them; model::kNever of those that a full queue rejects. `limits` has `queue` and
// `when_full`.
std::vector<std::int64_t> predict_sojourns(const Profile& profile, const Batch& batch, const Choice& choice,
                                           const std::string& arrivals, std::uint64_t seed, const Factors& limits = {});

// Who may run the callbacks of tasks that arrive on a pool of such a batch, each with as many parsers as keep up with the rate.
std::vector<Choice> ways_on(Pool pool, const Batch& batch, double rate_per_s);

// What sets the capacity of the choice, and which other limit is next: where it is workers, so many more would do no more.
model::Limit binding_limit(const Profile& profile, const Batch& batch, const Choice& choice);
std::vector<model::Limit> limits_of(const Profile& profile, const Batch& batch, const Choice& choice);

// Threads before processes, then fewer of them: what a size of equal worth costs.
bool costs_less(const Choice& a, const Choice& b);

// What a bounded queue makes of a rate beyond the capacity.
struct Beyond {
  std::string_view when_full;  // block, reject, caller_runs
  int queue = 1;               // so many wait at most
  double rate_per_s = 0;       // offered
  double rejected_share = 0;   // reject: of the clients, in the long run, 1 - capacity / rate
  double late_per_s =
      0;  // block, caller_runs: by so many seconds more each second clients are late who wait outside; 0: it keeps up
};
// At 1.2 times the capacity. The queue is as long as keeps who is admitted within the tightest bound: its wait is at most (queue + 1) / capacity; 1
// at least. caller_runs, on threads only, has who releases tasks as one worker more. REQUIRES: the capacity is finite.
std::vector<Beyond> beyond_capacity(const Profile& profile, const Batch& batch, const Choice& choice, const Objective& objective);

}  // namespace harness::recommend
