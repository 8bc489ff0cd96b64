#include "harness/model/comparison.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

namespace harness::model {

std::vector<double> holm(const std::vector<double>& p_values) {
  const std::size_t m = p_values.size();
  std::vector<std::size_t> order(m);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return p_values[i] < p_values[j]; });
  std::vector<double> adjusted(m);
  double greatest = 0;  // adjusted values never fall behind a smaller p's
  for (std::size_t rank = 0; rank < m; ++rank) {
    greatest = std::max(greatest, static_cast<double>(m - rank) * p_values[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, greatest);
  }
  return adjusted;
}

Ratio median_ratio(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, double confidence) {
  Ratio ratio = ratio_interval(a, b, confidence);
  ratio.estimate = static_cast<double>(median(b)) / static_cast<double>(median(a));
  ratio.lower = std::min(ratio.lower, ratio.estimate);
  ratio.upper = std::max(ratio.upper, ratio.estimate);
  return ratio;
}

std::string_view name(Change change) {
  switch (change) {
    case Change::faster:
      return "faster";
    case Change::slower:
      return "slower";
    case Change::same:
      return "same";
    case Change::undecided:
      return "undecided";
  }
  return "";
}

Change judge(const Ratio& b_to_a, double adjusted_p, double minimum_effect, double significance) {
  assert(minimum_effect >= 0);
  const double factor = 1 + minimum_effect;
  if (adjusted_p < significance) {
    if (b_to_a.estimate > 1 && b_to_a.estimate >= factor) return Change::slower;
    if (b_to_a.estimate < 1 && b_to_a.estimate * factor <= 1) return Change::faster;
  }
  return b_to_a.upper < factor && b_to_a.lower * factor > 1 ? Change::same : Change::undecided;
}

double least_adjusted_p(std::size_t m, std::size_t n, std::size_t tests) {
  const auto values = [](std::size_t count) { return static_cast<double>(count); };
  const double splits = std::exp(std::lgamma(values(m + n) + 1) - std::lgamma(values(m) + 1) - std::lgamma(values(n) + 1));
  return std::min(1.0, values(tests) * 2 / splits);
}

std::size_t values_needed(std::size_t tests, double significance) {
  assert(significance > 0 && significance < 1);
  std::size_t n = 1;
  while (least_adjusted_p(n, n, tests) >= significance) ++n;
  return n;
}

}  // namespace harness::model
