#include "harness/model/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace harness::model {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(Median, of_an_even_number_is_the_lower_middle) {
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({4, 1, 3, 2}), 2);
}

// Conover, Practical Nonparametric Statistics, table A3 (p = 1/2).
TEST(BinomialHalf, agrees_with_the_tables) {
  EXPECT_NEAR(binomial_half_cdf(5, 0), 1.0 / 32, 1e-12);
  EXPECT_NEAR(binomial_half_cdf(8, 1), 9.0 / 256, 1e-12);
  EXPECT_NEAR(binomial_half_cdf(11, 2), 67.0 / 2048, 1e-12);
  EXPECT_NEAR(binomial_half_cdf(20, 5), 0.0207, 5e-5);
  EXPECT_EQ(binomial_half_cdf(10, -1), 0);
  EXPECT_NEAR(binomial_half_cdf(10, 10), 1, 1e-12);
}

// Which order statistics bound the median with at least 95 %: n = 6: 1 and 6, 9: 2 and 8, 15: 4 and 12, 20: 6 and 15,
// 30: 10 and 21 (Conover, table A3; the coverages are 96.9, 96.1, 96.5, 95.9 and 95.7 %).
TEST(MedianInterval, takes_the_order_statistics_of_the_tables) {
  struct Row {
    int n, lower, upper;
    double coverage;
  };
  for (const Row row : {Row{6, 1, 6, 0.969}, {9, 2, 8, 0.961}, {15, 4, 12, 0.965}, {20, 6, 15, 0.959}, {30, 10, 21, 0.957}}) {
    std::vector<std::int64_t> values;
    for (int i = row.n; i >= 1; --i) values.push_back(i);
    const Interval interval = median_interval(values);
    EXPECT_EQ(interval.lower, row.lower) << row.n;
    EXPECT_EQ(interval.upper, row.upper) << row.n;
    EXPECT_NEAR(interval.coverage, row.coverage, 5e-4) << row.n;
  }
}

TEST(MedianInterval, below_six_values_is_the_range_and_says_what_it_is_worth) {
  const Interval five = median_interval({30, 10, 50, 20, 40});
  EXPECT_EQ(five.lower, 10);
  EXPECT_EQ(five.upper, 50);
  EXPECT_NEAR(five.coverage, 0.9375, 1e-12);
  EXPECT_NEAR(median_interval({7}).coverage, 0, 1e-12);
}

TEST(Equivalence, allows_as_many_outside_as_the_exact_sign_test_does) {
  const std::vector<std::pair<int, int>> known = {{1, -1}, {4, -1}, {5, 0}, {7, 0}, {8, 1}, {10, 1}, {11, 2}, {20, 5}};
  for (const auto& [repetitions, allowed] : known) EXPECT_EQ(allowed_outside(repetitions), allowed) << repetitions;
}

TEST(Equivalence, gives_each_of_three_verdicts) {
  EXPECT_EQ(equivalent({99, 100, 101, 102, 98}, 100, 2), Verdict::holds);
  EXPECT_EQ(equivalent({99, 100, 101, 103, 98}, 100, 2), Verdict::inconclusive);  // one of five outside
  EXPECT_EQ(equivalent({103, 104, 105, 106, 107}, 100, 2), Verdict::refuted);
  EXPECT_EQ(equivalent({97, 96, 95, 94, 93}, 100, 2), Verdict::refuted);
  EXPECT_EQ(equivalent({97, 103, 97, 103, 97}, 100, 2), Verdict::inconclusive);
  EXPECT_EQ(equivalent({100, 100, 100, 100}, 100, 2), Verdict::inconclusive);  // too few to say anything
  EXPECT_EQ(equivalent({}, 100, 2), Verdict::inconclusive);
  EXPECT_EQ(equivalent({100, 100, 100, 100, 100, 100, 100, 109}, 100, 2), Verdict::holds);  // one of eight may be
  EXPECT_EQ(equivalent({102, 98, 102, 98, 102}, 100, 2), Verdict::holds);                   // the edge is inside
  EXPECT_EQ(equivalent({91, 100, 100, 100, 100, 100, 100, 109}, 100, 2), Verdict::holds);   // and one on each side
}

TEST(Tolerance, is_ten_milliseconds_or_three_per_cent_but_a_third_of_the_gap_at_most) {
  EXPECT_EQ(tolerance(100 * kMs, 60 * kMs), 10 * kMs);
  EXPECT_EQ(tolerance(1000 * kMs, 900 * kMs), 30 * kMs);
  EXPECT_EQ(tolerance(1000 * kMs, 60 * kMs), 20 * kMs);
  EXPECT_EQ(tolerance(1000 * kMs, -1), 30 * kMs);
  EXPECT_EQ(tolerance(INT64_MAX, -1), 276701161105643274);
}

// Sen 1968, and an outlier that least squares would follow.
TEST(TheilSen, finds_the_line_and_ignores_an_outlier) {
  const Line exact = theil_sen({{1, 7}, {2, 9}, {4, 13}});
  EXPECT_DOUBLE_EQ(exact.slope, 2);
  EXPECT_DOUBLE_EQ(exact.intercept, 5);
  const Line robust = theil_sen({{1, 7}, {2, 9}, {3, 11}, {4, 13}, {5, 1000}});
  EXPECT_DOUBLE_EQ(robust.slope, 2);
  EXPECT_DOUBLE_EQ(robust.intercept, 5);
}

// scipy 1.10.1, stats.theilslopes(y, x, 0.95): slope and its interval. The intercept and its interval with numpy:
// median(y - slope * x), and the order statistics l and n + 1 - l of y - upper * x and y - lower * x, l = 2 for n = 11 and
// for n = 10 by stats.binom.cdf(l - 1, n, 0.5) <= 0.025.
TEST(TheilSen, has_the_intervals_that_scipy_has) {
  const Regression scales = theil_sen_regression({{1, 301.2},
                                                  {1, 300.7},
                                                  {1, 301.0},
                                                  {1, 303.9},
                                                  {1, 300.6},
                                                  {2, 601.4},
                                                  {2, 600.9},
                                                  {2, 608.0},
                                                  {4, 1201.1},
                                                  {4, 1200.8},
                                                  {4, 1201.9}});
  EXPECT_NEAR(scales.line.slope, 300.1, 1e-9);
  EXPECT_NEAR(scales.slope_low, 299.33333333333337, 1e-9);
  EXPECT_NEAR(scales.slope_high, 300.50000000000006, 1e-9);
  EXPECT_NEAR(scales.line.intercept, 0.9, 1e-9);
  EXPECT_NEAR(scales.intercept_low, -0.9, 1e-9);
  EXPECT_NEAR(scales.intercept_high, 4.566666666666606, 1e-9);
  const Regression outlier = theil_sen_regression(
      {{1, 2.1}, {2, 4.3}, {3, 5.8}, {4, 8.4}, {5, 9.7}, {6, 12.5}, {7, 13.9}, {8, 16.2}, {9, 40.0}, {10, 20.1}});
  EXPECT_NEAR(outlier.line.slope, 2.05, 1e-9);
  EXPECT_NEAR(outlier.slope_low, 1.95, 1e-9);
  EXPECT_NEAR(outlier.slope_high, 2.2333333333333334, 1e-9);
  EXPECT_NEAR(outlier.line.intercept, -0.075, 1e-9);
  EXPECT_NEAR(outlier.intercept_low, -1.7333333333333325, 1e-9);
  EXPECT_NEAR(outlier.intercept_high, 0.8, 1e-9);
  // Ties in y as well.
  const Regression tied = theil_sen_regression({{1, 7}, {1, 7}, {1, 8}, {2, 9}, {2, 9}, {2, 10}, {4, 13}, {4, 13}, {4, 15}});
  EXPECT_NEAR(tied.line.slope, 2, 1e-9);
  EXPECT_NEAR(tied.slope_low, 1.6666666666666667, 1e-9);
  EXPECT_NEAR(tied.slope_high, 2.6666666666666665, 1e-9);
}

// scipy 1.10.1: P = binom.cdf(a, first, .5) + sum over x in (a, b] of binom.pmf(x, first, .5) * binom.cdf(b - x, more, .5),
// b the largest with P <= 0.05: (5, 12) has P(2) = 0.04346 and P(3) = 0.08862, (8, 16) P(3) = 0.03986 and P(4) = 0.05972,
// (11, 20) P(5) = 0.04354 and P(6) = 0.07249, (11, 22) P(6) = 0.04854 and P(7) = 0.08186.
TEST(TwoLooks, keep_the_level_of_both_together) {
  struct Row {
    int first, second, first_allowed, second_allowed;
    double level;
  };
  for (const Row row : {Row{5, 12, 0, 2, 0.04346}, {8, 16, 1, 3, 0.03986}, {11, 20, 2, 5, 0.04354}, {11, 22, 2, 6, 0.04854}}) {
    const TwoLooks looks = two_looks(row.first, row.second);
    EXPECT_EQ(looks.first_allowed, row.first_allowed) << row.first;
    EXPECT_EQ(looks.second_allowed, row.second_allowed) << row.first;
    EXPECT_NEAR(looks.level, row.level, 5e-6) << row.first;
  }
  EXPECT_EQ(two_looks(2, 4).second_allowed, -1);
  EXPECT_EQ(two_looks(3, 5).second_allowed, 0);
}

TEST(Equivalence, with_another_number_allowed_decides_by_it_on_both_sides) {
  const std::vector<std::int64_t> two_above = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 109, 109};
  EXPECT_EQ(equivalent(two_above, 100, 2, 2), Verdict::holds);
  EXPECT_EQ(equivalent(two_above, 100, 2, 1), Verdict::inconclusive);
  EXPECT_EQ(equivalent(two_above, 107, 2, 2), Verdict::refuted);  // ten of twelve lie below
  EXPECT_EQ(equivalent(two_above, 107, 2, 1), Verdict::inconclusive);
  EXPECT_EQ(equivalent(two_above, 100, 2, -1), Verdict::inconclusive);
}

// Mann and Whitney 1947, table I: P(U <= u); two-sided p = 2 P.
TEST(MannWhitney, agrees_with_the_exact_tables) {
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);      // U = 0
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 7}, {5, 6, 8, 9, 10}), 2 * 4.0 / 252, 1e-12);  // U = 2
  EXPECT_NEAR(mann_whitney_p({1, 2, 3}, {4, 5, 6}), 0.1, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1, 4, 5}, {2, 3, 6}), 1.0, 1e-12);
  EXPECT_NEAR(mann_whitney_p({1}, {2}), 1.0, 1e-12);
}

TEST(MannWhitney, counts_ties_as_halves_and_equal_samples_as_equal) {
  EXPECT_NEAR(mann_whitney_p({5, 5, 5}, {5, 5, 5}), 1.0, 1e-12);
  // Midranks 1, 2.5 | 2.5, 4: doubled rank sums of two of {2, 5, 5, 8}: 7 7 10 10 13 13; |7 - 10| is met by four of
  // six.
  EXPECT_NEAR(mann_whitney_p({1, 2}, {2, 3}), 4.0 / 6, 1e-12);
}

TEST(MannWhitney, of_large_samples_approaches_the_exact_value) {
  std::mt19937_64 random(11);
  std::vector<std::int64_t> a, b;
  for (int i = 0; i < 20; ++i) {
    a.push_back(static_cast<std::int64_t>(random() % 100));
    b.push_back(static_cast<std::int64_t>(random() % 100) + 20);
  }
  const double exact = mann_whitney_p(a, b);
  a.push_back(median(a));  // 41 values: the approximation
  EXPECT_NEAR(mann_whitney_p(a, b), exact, 0.02);
  const std::vector<std::int64_t> same(30, 7);
  EXPECT_EQ(mann_whitney_p(same, same), 1);
}

TEST(RatioInterval, inverts_the_exact_test) {
  // 5 x 5: P(U <= 2) = 4/252 <= 0.025 < P(U <= 3) = 7/252, so the 3rd smallest and 3rd largest of 25 ratios.
  const std::vector<std::int64_t> a = {100, 101, 102, 103, 104};
  const std::vector<std::int64_t> b = {200, 203, 206, 209, 212};
  std::vector<double> ratios;
  for (const auto x : a)
    for (const auto y : b) ratios.push_back(static_cast<double>(y) / static_cast<double>(x));
  std::sort(ratios.begin(), ratios.end());
  const Ratio ratio = ratio_interval(a, b);
  EXPECT_DOUBLE_EQ(ratio.lower, ratios[2]);
  EXPECT_DOUBLE_EQ(ratio.upper, ratios[22]);
  EXPECT_DOUBLE_EQ(ratio.estimate, ratios[12]);
  EXPECT_DOUBLE_EQ(ratio.coverage, 0.95);
}

TEST(RatioInterval, of_too_few_values_is_the_range_and_says_what_it_is_worth) {
  const Ratio ratio = ratio_interval({100, 200, 400}, {200, 200, 200});
  EXPECT_DOUBLE_EQ(ratio.lower, 0.5);
  EXPECT_DOUBLE_EQ(ratio.upper, 2);
  EXPECT_NEAR(ratio.coverage, 0.9, 1e-9);
}

// Eight values: one may be inside (9/256 are below 5 %), while the interval of the median reaches from the least to the greatest
// (for both sides together that is too much).
TEST(Equivalence, is_not_refuted_while_the_interval_of_the_median_reaches_the_tolerance) {
  EXPECT_EQ(equivalent({100, 200, 200, 200, 200, 200, 200, 200}, 100, 5), Verdict::inconclusive);
  EXPECT_EQ(equivalent({106, 200, 200, 200, 200, 200, 200, 200}, 100, 5), Verdict::refuted);
  EXPECT_EQ(equivalent({100, 10, 10, 10, 10, 10, 10, 10}, 100, 5), Verdict::inconclusive);
}

// scipy.stats.mannwhitneyu(a, b, method="asymptotic", use_continuity=True).
TEST(MannWhitney, of_many_values_takes_ties_out_of_the_variance) {
  std::vector<std::int64_t> a(10, 1);
  a.insert(a.end(), 12, 2);
  std::vector<std::int64_t> b(5, 1);
  b.insert(b.end(), 15, 2);
  b.insert(b.end(), 2, 3);
  EXPECT_NEAR(mann_whitney_p(a, b), 0.06763471786396254, 1e-9);
}

// 20 and 22 values: P(U <= 141) is the last below 2.5 %, exactly; the normal approximation says so only with its correction for continuity.
TEST(RatioInterval, of_many_values_has_the_rank_of_the_exact_test) {
  std::vector<std::int64_t> a;
  std::vector<std::int64_t> b;
  for (std::int64_t i = 1; i <= 20; ++i) a.push_back(1000 + 37 * i * i);
  for (std::int64_t i = 1; i <= 22; ++i) b.push_back(900 + 53 * i * i);
  std::vector<double> ratios;
  for (const std::int64_t x : a) {
    for (const std::int64_t y : b) ratios.push_back(static_cast<double>(y) / static_cast<double>(x));
  }
  std::sort(ratios.begin(), ratios.end());
  EXPECT_DOUBLE_EQ(ratio_interval(a, b).lower, ratios[141]);
  EXPECT_DOUBLE_EQ(ratio_interval(a, b).upper, ratios[ratios.size() - 1 - 141]);
}

}  // namespace
}  // namespace harness::model
