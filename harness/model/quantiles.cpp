#include "harness/model/quantiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "harness/model/arrivals.h"

namespace harness::model {
namespace {

// P(Binomial(n, q) = x). lgamma_r: the plain one writes a global.
double binomial_at(std::int64_t n, double q, std::int64_t x) {
  int sign = 0;
  const auto log_factorial = [&sign](std::int64_t of) { return ::lgamma_r(static_cast<double>(of) + 1, &sign); };
  return std::exp(log_factorial(n) - log_factorial(x) - log_factorial(n - x) + static_cast<double>(x) * std::log(q) +
                  static_cast<double>(n - x) * std::log1p(-q));
}

}  // namespace

double binomial_cdf(std::int64_t n, double q, std::int64_t x) {
  if (x < 0) return 0;
  if (x >= n) return 1;
  // From the nearer end, so that few small numbers are summed.
  const bool lower = static_cast<double>(x) < static_cast<double>(n) * q;
  double sum = 0;
  if (lower) {
    for (std::int64_t i = x; i >= 0; --i) {
      const double p = binomial_at(n, q, i);
      sum += p;
      if (p < 1e-18 * sum) break;
    }
    return std::min(sum, 1.0);
  }
  for (std::int64_t i = x + 1; i <= n; ++i) {
    const double p = binomial_at(n, q, i);
    sum += p;
    if (p < 1e-18 * sum) break;
  }
  return std::max(0.0, 1 - sum);
}

Quantile quantile(const std::vector<std::int64_t>& sorted, double q, double confidence) {
  const auto n = static_cast<std::int64_t>(sorted.size());
  const double tail = (1 - confidence) / 2;
  const auto at = [&sorted](std::int64_t rank) { return sorted[static_cast<std::size_t>(rank - 1)]; };
  // The largest l with cdf(l - 1) <= tail and the smallest u with 1 - cdf(u - 1) <= tail: both by bisection, for the cdf does not fall.
  std::int64_t l = 0;
  for (std::int64_t low = 0, high = n; low < high;) {
    const std::int64_t middle = low + (high - low + 1) / 2;
    if (binomial_cdf(n, q, middle - 1) <= tail) {
      low = l = middle;
    } else {
      high = middle - 1;
    }
  }
  std::int64_t u = n + 1;
  for (std::int64_t low = 1, high = n + 1; low < high;) {
    const std::int64_t middle = low + (high - low) / 2;
    if (1 - binomial_cdf(n, q, middle - 1) <= tail) {
      high = u = middle;
    } else {
      low = middle + 1;
    }
  }
  l = std::max<std::int64_t>(l, 1);
  u = std::min(u, n);
  return {nearest_rank(sorted, q), at(l), at(u), binomial_cdf(n, q, u - 1) - binomial_cdf(n, q, l - 1)};
}

}  // namespace harness::model
