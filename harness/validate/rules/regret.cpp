#include "harness/validate/rules/regret.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace harness {

Bounded against_bound(const std::vector<std::int64_t>& values_ns, std::int64_t bound_ns) {
  const model::Interval interval = model::median_interval(values_ns);
  if (interval.upper <= bound_ns) return Bounded::met;
  return interval.lower > bound_ns ? Bounded::missed : Bounded::open;
}

std::optional<std::size_t> best_size(std::span<const MeasuredSize> sizes, std::optional<std::int64_t> bound_ns) {
  std::optional<std::size_t> best;
  std::pair<std::int64_t, int> least;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const MeasuredSize& size = sizes[i];
    if (size.values_ns.empty() || (bound_ns && against_bound(size.values_ns, *bound_ns) != Bounded::met)) continue;
    const std::pair own(model::median(size.values_ns), size.workers);
    if (best && own >= least) continue;
    best = i;
    least = own;
  }
  return best;
}

SizeRegret regret_of(const MeasuredSize& own, const MeasuredSize& best, std::optional<std::int64_t> bound_ns) {
  assert(!own.values_ns.empty() && !best.values_ns.empty());
  if (bound_ns) {
    const Bounded bounded = against_bound(own.values_ns, *bound_ns);
    if (bounded == Bounded::missed) return {.kind = RegretKind::missed};
    if (bounded == Bounded::open) return {.kind = RegretKind::open};
  }
  if (own.workers == best.workers) return {.kind = RegretKind::regret, .ratio = {1, 1, 1, 1}};
  return {.kind = RegretKind::regret, .ratio = model::ratio_interval(best.values_ns, own.values_ns)};
}

RegretOver regret_over(std::span<const SizeRegret> cases) {
  RegretOver over;
  double estimate = 0;
  double lower = 0;
  double upper = 0;
  double coverage = 1;
  for (const SizeRegret& one : cases) {
    over.missed += one.kind == RegretKind::missed;
    over.open += one.kind == RegretKind::open;
    if (one.kind != RegretKind::regret) continue;
    ++over.cases;
    estimate += std::log(one.ratio.estimate);
    lower += std::log(one.ratio.lower);
    upper += std::log(one.ratio.upper);
    coverage = std::min(coverage, one.ratio.coverage);
  }
  if (over.cases == 0) return over;
  const double n = over.cases;
  over.ratio = {std::exp(estimate / n), std::exp(lower / n), std::exp(upper / n), coverage};
  return over;
}

RuleVerdict verdict_of(const RegretOver& over) {
  const model::Ratio& ratio = over.ratio;
  if (over.missed > 0 || (over.cases > 0 && ratio.lower > 1 + kRuleFailsBeyond)) return RuleVerdict::fails;
  if (over.open > 0) return RuleVerdict::open;
  if (over.cases == 0) return RuleVerdict::silent;
  if (ratio.upper <= 1 + kRuleHoldsWithin) return RuleVerdict::holds;
  if (ratio.lower > 1 + kRuleHoldsWithin && ratio.upper <= 1 + kRuleFailsBeyond) return RuleVerdict::costs;
  return RuleVerdict::open;
}

RuleVerdict worst_of(std::span<const RuleVerdict> verdicts) {
  for (const RuleVerdict worst : {RuleVerdict::fails, RuleVerdict::open, RuleVerdict::costs, RuleVerdict::holds}) {
    if (std::find(verdicts.begin(), verdicts.end(), worst) != verdicts.end()) return worst;
  }
  return RuleVerdict::silent;
}

std::string_view to_string(RuleVerdict verdict) {
  switch (verdict) {
    case RuleVerdict::holds:
      return "holds";
    case RuleVerdict::costs:
      return "costs";
    case RuleVerdict::fails:
      return "fails";
    case RuleVerdict::open:
      return "cannot be told apart";
    case RuleVerdict::silent:
      return "does not say";
  }
  return "";
}

}  // namespace harness
