#pragma once

// The regret of a number of workers: how much longer the work takes than with the best number that was tried. What counts as best, what as missed
// and what a rule of thumb is called for it, from measured values alone; docs/statistics.md has the definitions in words.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/model/statistics.h"

namespace harness {

// A regret up to this is none that anybody would notice, one beyond the other a failure: shares of the best.
inline constexpr double kRuleHoldsWithin = 0.05;
inline constexpr double kRuleFailsBeyond = 1;

// One number of workers, measured: makespans of a batch, or the p99 of each repetition. All above 0.
struct MeasuredSize {
  int workers = 1;
  std::vector<std::int64_t> values_ns;
};

// Whether a p99 stays within a bound: decided by the whole interval of the median over repetitions (of less than 6 the range), else open.
enum class Bounded { met, missed, open };
Bounded against_bound(const std::vector<std::int64_t>& values_ns, std::int64_t bound_ns);

// The size with the least median; of equal ones the one with fewest workers. With a bound of those only that meet it for sure: extra workers cost
// nothing. Nothing if none is measured, or none meets it.
std::optional<std::size_t> best_size(std::span<const MeasuredSize> sizes, std::optional<std::int64_t> bound_ns);

enum class RegretKind {
  regret,  // so much
  missed,  // it misses the bound, which another size meets: a number would belittle it
  open,    // whether it meets the bound cannot be told
  none,    // nobody meets the bound, the rule does not say, or it was not measured
};
struct SizeRegret {
  RegretKind kind = RegretKind::none;
  model::Ratio ratio =
      {};  // of a regret: to the best, with an interval of 95 % where there are 4 repetitions and more (Mann-Whitney, inverted)
};
// REQUIRES: neither is empty; `best` is best_size() of the sizes that `own` is one of.
SizeRegret regret_of(const MeasuredSize& own, const MeasuredSize& best, std::optional<std::int64_t> bound_ns);

// What a rule comes to over several cases. The ratio is the geometric mean of the cases that have a regret, its ends those of their ends: as if all
// erred in one direction at once, so that it covers more than each does.
struct RegretOver {
  int cases = 0;  // that have a regret
  int missed = 0;
  int open = 0;
  model::Ratio ratio = {};  // meaningful when cases > 0

  double percent() const { return 100 * (ratio.estimate - 1); }
};
RegretOver regret_over(std::span<const SizeRegret> cases);

enum class RuleVerdict {
  holds,   // nothing is missed, and the whole interval lies within 5 %
  costs,   // nothing is missed, and the whole interval lies between 5 % and 100 %
  fails,   // a bound is missed, or the whole interval lies beyond 100 %
  open,    // cannot be told apart
  silent,  // no case at all
};
RuleVerdict verdict_of(const RegretOver& over);
// Of a rule that is judged in several groups: what is worst in any. fails, then open, costs, holds; silent if all are.
RuleVerdict worst_of(std::span<const RuleVerdict> verdicts);
std::string_view to_string(RuleVerdict verdict);

}  // namespace harness
