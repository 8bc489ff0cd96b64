#pragma once

// From runs of some tasks to the answer for all of them.
//
// Thread safety: pure functions.

#include <cstdint>
#include <vector>

#include "harness/recommend/curve.h"
#include "harness/recommend/decision.h"

namespace harness::recommend {

// The answer for all tasks where fewer were run.
struct Extrapolation {
  Choice choice;
  std::int64_t predicted_ns = 0;      // by the model, times what its runs were off by, or those on its pool
  std::vector<Point> curve = {};      // likewise of all that might be chosen, best first
  std::int64_t one_at_a_time_ns = 0;  // without a pool, from the first runs
  int fewest_workers = 1;             // of those on the choice's pool with its strategy that are predicted to be as good
  int most_workers = 1;
  std::vector<std::int64_t> makespans_ns = {};  // of runs with all tasks, as far as the budget went
};

// By the model: of what is predicted within 5 % of the best the cheapest; no prediction is better than that. What was run of fewer tasks
// (`measured`) calibrates it: each choice by what its own runs were off by, else those on its pool with its strategy, else those on its pool.
Extrapolation extrapolate(const Profile& profile, const Batch& all, int most_workers, const std::vector<Measured>& measured);

}  // namespace harness::recommend
