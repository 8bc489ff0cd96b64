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

// Whether `other` is slower than `fastest` by what was measured: by more than the margin, and their intervals do not overlap; if one of them ran
// fewer than three times, by half.
bool told_apart(const Measured& fastest, const Measured& other, double margin = 0.02);

// What to take of `measured` (fastest first, not empty).
struct Decision {
  // The cheapest of what cannot be told from the fastest, if its median is not beyond it by more than two and a half margins, so that wide
  // intervals do not make anything the choice.
  std::size_t choice = 0;
  std::vector<std::size_t> ties;  // without the choice: all that cannot be told from the fastest
  // Of those with the choice's pool, strategy and parsers, itself included. Another run of the same may choose any of them.
  int fewest_workers = 1;
  int most_workers = 1;
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
