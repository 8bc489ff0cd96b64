#include "harness/analysis/block_ratio.h"

#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

namespace harness {

BlockRatio block_ratio(const std::vector<double>& log_ratios) {
  assert(!log_ratios.empty());
  constexpr double kConfidence = 0.95;
  const auto n = static_cast<double>(log_ratios.size());
  const double mean = std::accumulate(log_ratios.begin(), log_ratios.end(), 0.0) / n;
  BlockRatio result;
  result.ratio = {std::exp(mean), 0, std::numeric_limits<double>::infinity(), 1};
  if (log_ratios.size() < 2) return result;
  double squares = 0;
  for (const double value : log_ratios) squares += (value - mean) * (value - mean);
  const double error = std::sqrt(squares / (n - 1) / n);  // of the mean
  const boost::math::students_t distribution(n - 1);
  const double half = boost::math::quantile(distribution, (1 + kConfidence) / 2) * error;
  result.ratio = {std::exp(mean), std::exp(mean - half), std::exp(mean + half), kConfidence};
  if (error > 0) {
    result.p = 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(mean) / error));
  } else {
    result.p = mean == 0 ? 1 : 0;
  }
  return result;
}

}  // namespace harness
