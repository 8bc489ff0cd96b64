#include "harness/recommend/served_size.h"

#include <algorithm>

#include "harness/model/arrivals.h"

namespace harness::recommend {

model::Quantile ServedSize::quantile(std::size_t percentile) const {
  return counted.empty() ? model::Quantile{} : model::quantile(counted, kPercentiles[percentile].q);
}

std::int64_t ServedSize::predicted_ns(std::size_t percentile) const {
  return modelled.empty() ? 0 : model::nearest_rank(modelled, kPercentiles[percentile].q);
}

Verdict ServedSize::verdict(const Objective& objective, double capacity_per_s) const {
  if (too_long || rate_per_s >= capacity_per_s) return Verdict::fails;
  if (counted.empty()) return Verdict::unclear;
  Verdict verdict = rate_per_s > kMostLoad * capacity_per_s ? Verdict::unclear : Verdict::meets;
  for (const Bound& bound : objective.bounds) verdict = both(verdict, judge(quantile(bound.percentile), bound.most_ns));
  return verdict;
}

double ServedSize::share(const Objective& objective) const {
  double share = too_long ? 1e9 : 0;
  for (const Bound& bound : objective.bounds) {
    share = std::max(share, static_cast<double>(quantile(bound.percentile).value) / static_cast<double>(bound.most_ns));
  }
  return share;
}

}  // namespace harness::recommend
