#pragma once

// What repeated, interleaved runs of several choices say: which to take, and what taking it costs.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/model/statistics.h"
#include "harness/recommend/curve.h"

namespace harness::recommend {

// A candidate, as it was measured.
struct Measured {
  Choice choice;
  std::int64_t predicted_ns = 0;
  std::vector<std::int64_t> makespans_ns;  // in the order of measuring, at least one
  std::int64_t median_ns = 0;
  model::Interval interval = {};  // of the median
};

// What to take of `measured` (fastest first, not empty).
struct Decision {
  std::size_t choice = 0;  // the cheapest whose median is within `margin` of the fastest's
  // Without the choice: the others within `margin`, and those at most `margin` above that bound which a rank test cannot tell from the
  // fastest, where both have the five repetitions that such a test needs to tell anything.
  std::vector<std::size_t> ties;
};
Decision decide(const std::vector<Measured>& measured, double margin = 0.02);

// How much longer the choice takes than the one that does best beside it: the median over the rounds of the ratio of the two in the
// same round, minus 1, so that what slows the machine down for a while slows both. 0 if nothing is faster than the choice.
struct Regret {
  double ratio = 0;  // >= 0
  double low = 0;    // its 95 % interval
  double high = 0;
  std::size_t rival = 0;  // that one, index into judged; the choice itself if nothing is faster
};

// Of runs of equal rounds. REQUIRES: `judged` has the choice, and every one ran in every round.
Regret regret_of(const Choice& choice, const std::vector<Measured>& judged);

}  // namespace harness::recommend
