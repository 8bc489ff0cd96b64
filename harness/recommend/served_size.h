#pragma once

// A size as it was run under arrivals, and what its clients say of the bounds.
//
// Thread safety: a value.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/model/quantiles.h"
#include "harness/recommend/curve.h"
#include "harness/recommend/objective.h"
#include "harness/recommend/sizing.h"

namespace harness::recommend {

// A size that was run under arrivals.
struct ServedSize {
  Choice choice;
  double rate_per_s = 0;
  int runs = 0;                             // repetitions that count, each of other clients
  bool too_long = false;                    // one did not end within the budget
  std::int64_t arrived = 0;                 // clients of these
  std::int64_t rejected = 0;                // of them
  std::vector<std::int64_t> counted = {};   // sojourns of those that percentiles are over, sorted
  std::vector<std::int64_t> modelled = {};  // the model's, of the same clients, sorted
  std::int64_t modelled_rejected = 0;       // of the same clients

  // The verdict on the bounds, and the largest of percentile over bound; a rate that the size cannot serve for ever fails, one that is close to it
  // (kMostLoad) does not meet. `capacity_per_s` is the model's.
  Verdict verdict(const Objective& objective, double capacity_per_s) const;
  double share(const Objective& objective) const;
  model::Quantile quantile(std::size_t percentile) const;   // of kPercentiles; all 0 where nobody counts
  std::int64_t predicted_ns(std::size_t percentile) const;  // likewise
};

}  // namespace harness::recommend
