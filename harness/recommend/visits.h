#pragma once

// Repetitions under the arrivals of an objective: how many clients come, whether there is room for one more, and what each adds to what is known.
//
// Not thread-safe.

#include <cstdint>
#include <string>

#include "harness/recommend/recommend.h"
#include "harness/recommend/served_size.h"
#include "harness/recommend/trials.h"

namespace harness::recommend {

class Visits {
 public:
  // All outlive it; `records` may be nullptr. `profile` and `batch`, which may become known later, say what the model has of the clients.
  // Throws ConfigError when too few clients come within the budget.
  Visits(const Question& question, const Objective& objective, Trials& trials, const Records* records, const Profile& profile,
         const Batch& batch);

  // That come in one repetition: so long as one at the objective's rate takes, which is the same for every run of a question.
  int number_at(double rate_per_s) const;

  // Of the round-th repetition, with clients of its own. Queues are unbounded. REQUIRES: the profile is known.
  Clients clients_at(double rate_per_s, int round) const;

  // Whether such a repetition may be run until that share of the budget is used: it is known, or there is room for it and the records' answer is
  // not complete.
  bool may_run(const Choice& choice, const Clients& clients, double rate_per_s, double share) const;

  // Runs it and adds it to `size`, of whose choice it is. False: it did not count, or did not end. Throws as Trials::visit.
  bool add_run(ServedSize& size, const Clients& clients);

  const std::string& late() const { return late_; }  // why the latest repetition that did not count did not; empty: all did
  std::int64_t release_lag_p99_ns() const { return release_lag_p99_ns_; }  // the worst of those that count

 private:
  const Question& question_;
  const Objective& objective_;
  Trials& trials_;
  const Records* const records_;
  const Profile& profile_;
  const Batch& batch_;
  double stream_s_ = 0;
  std::string late_;
  std::int64_t release_lag_p99_ns_ = 0;
};

}  // namespace harness::recommend
