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
  for (const Row row :
       {Row{6, 1, 6, 0.969}, {9, 2, 8, 0.961}, {15, 4, 12, 0.965}, {20, 6, 15, 0.959}, {30, 10, 21, 0.957}}) {
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

}  // namespace
}  // namespace harness::model
