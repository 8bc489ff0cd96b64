#pragma once

// Quantiles with intervals from order statistics: nothing is assumed of the distribution. Pure functions.

#include <cstdint>
#include <vector>

namespace harness::model {

// P(Binomial(n, q) <= x), exact but for rounding. REQUIRES: n >= 0, 0 < q < 1.
double binomial_cdf(std::int64_t n, double q, std::int64_t x);

// The q-quantile of n values by nearest rank, and the order statistics [x_(l), x_(u)] with the largest l of P(Bin(n,q) < l) <= (1-c)/2 and the
// smallest u of P(Bin(n,q) >= u) <= (1-c)/2, so that the interval holds the true quantile with at least `confidence` c. Where there are too few
// values for an end, it is the least or greatest one; `coverage` = P(l <= Bin(n,q) < u) says what the interval is worth.
// Values are taken as drawn independently; sojourns of one queue are not quite (docs/arrivals.md).
struct Quantile {
  std::int64_t value = 0;
  std::int64_t lower = 0;
  std::int64_t upper = 0;
  double coverage = 0;
};
// REQUIRES: sorted, not empty, 0 < q < 1.
Quantile quantile(const std::vector<std::int64_t>& sorted, double q, double confidence = 0.95);

}  // namespace harness::model
