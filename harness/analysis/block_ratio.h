#pragma once

// Ratios over several machines: each machine has its own, and what holds for machines at large is asked. Student's t on the logarithms: the
// machine is a random block, and what repetitions tell of the spread within one is no evidence about the next. Pure functions.

#include <vector>

#include "harness/model/statistics.h"

namespace harness {

// `log_ratios`: one per machine, log(b/a) of its medians. With one machine nothing is known of others: the interval is without bounds
// (0 to infinity, coverage 1) and p is 1. REQUIRES: not empty, all finite.
struct BlockRatio {
  model::Ratio ratio;  // of the geometric mean, 95 %
  double p = 1;        // two-sided: that the ratio is 1
};
BlockRatio block_ratio(const std::vector<double>& log_ratios);

}  // namespace harness
