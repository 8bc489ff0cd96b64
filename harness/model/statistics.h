#pragma once

// The statistics of the verdicts. Distribution-free throughout: medians, order statistics, ranks. Pure functions; none
// keeps its input's order. All take n log n of n values (pairwise.h), but for the exact Mann-Whitney test, which is for few,
// and Theil-Sen lines through n different x, which take n^2.

#include <cstdint>
#include <utility>
#include <vector>

namespace harness::model {

// The lower middle of an even number. REQUIRES: not empty.
std::int64_t median(std::vector<std::int64_t> values);

// P(Binomial(n, 1/2) <= x), exact but for rounding. REQUIRES: n >= 0.
double binomial_half_cdf(int n, int x);

// The order statistics [x_(l), x_(n+1-l)] with the largest l whose coverage 1 - 2 P(Bin(n,1/2) < l) reaches
// `confidence`. Below 6 values nothing reaches 95 %: then the whole range, and `coverage` says what it is worth.
struct Interval {
  std::int64_t lower = 0;
  std::int64_t upper = 0;
  double coverage = 0;
};
Interval median_interval(std::vector<std::int64_t> values, double confidence = 0.95);

// Repetitions allowed outside each side of +-delta by the exact sign test at 5 %: the largest a with
// P(Bin(n,1/2) <= a) <= 0.05. R = 5: 0, 8: 1, 11: 2, 20: 5; -1 below 5, where no number of repetitions inside suffices.
int allowed_outside(int repetitions);

enum class Verdict { holds, refuted, inconclusive };

// Sign-based TOST: `holds` when no more than allowed_outside() values lie above predicted + delta, and no more below
// predicted - delta; `refuted` when the 95 % interval of the median lies wholly outside +-delta; else, and always with
// fewer than 5 values, `inconclusive`. REQUIRES: delta >= 0.
Verdict equivalent(const std::vector<std::int64_t>& values, std::int64_t predicted, std::int64_t delta);
// The same with another number allowed outside, for a test that looks more than once; a refutation too then needs all
// values but `allowed` beyond the same edge. Negative: inconclusive.
Verdict equivalent(const std::vector<std::int64_t>& values, std::int64_t predicted, std::int64_t delta, int allowed);

// The sign test looked at twice: after `first` values, and, if that decides nothing, after `second` of them (the first
// ones included). The first look allows what allowed_outside() does; the second the most that keeps the probability of a
// false decision at either look, computed exactly, within 5 %. -1 allowed: the look decides nothing.
// REQUIRES: 0 <= first <= second.
struct TwoLooks {
  int first_allowed = -1;
  int second_allowed = -1;
  double level = 0;  // that probability
};
TwoLooks two_looks(int first, int second);

// delta = min(max(10 ms, 3 % of M), gap/3): what counts as equal, from numbers that are known before anything runs.
// `gap` is the distance to the nearest rival formula's value; negative: there is no rival.
std::int64_t tolerance(std::int64_t makespan_ns, std::int64_t gap_ns);

// y = intercept + slope * x: the median of the slopes of all pairs with different x, and the median of y - slope * x
// (of an even number the mean of the middle two). REQUIRES: two different x.
struct Line {
  double slope = 0;
  double intercept = 0;
};
Line theil_sen(const std::vector<std::pair<double, double>>& points);

// The same with intervals of (at least) 95 %. Of the slope: Sen 1968, by the normal approximation of Kendall's S with
// ties in x and y taken into account, as scipy.stats.theilslopes has it. Of the intercept: the sign-test intervals of
// the median of y - slope * x at both ends of the slope's interval, which holds whatever the slope is within it.
// REQUIRES: two different x.
struct Regression {
  Line line;
  double slope_low = 0;
  double slope_high = 0;
  double intercept_low = 0;
  double intercept_high = 0;
};
Regression theil_sen_regression(const std::vector<std::pair<double, double>>& points);

// Two-sided Mann-Whitney test. Exact (ties included: the permutation distribution of the midranks) up to 40 values
// together, beyond that the normal approximation with tie and continuity corrections. REQUIRES: neither is empty.
double mann_whitney_p(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b);

// How many times b is a: the Hodges-Lehmann estimate of the ratio (median of all b_j / a_i) and the interval that
// inverts the Mann-Whitney test; with too few values for the confidence the whole range of the ratios, `coverage` says
// so. REQUIRES: neither is empty, all values > 0.
struct Ratio {
  double estimate = 1;
  double lower = 1;
  double upper = 1;
  double coverage = 0;
};
Ratio ratio_interval(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b, double confidence = 0.95);

}  // namespace harness::model
