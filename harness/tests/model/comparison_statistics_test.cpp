// The statistics of `compare` against values computed elsewhere.

#include "harness/model/comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::model {
namespace {

using Values = std::vector<std::int64_t>;

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-12) << i;
}

// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") and p.adjust(c(0.5, 0.01, 0.3, 0.01), "holm").
TEST(Holm, agrees_with_R) {
  expect_near(holm({0.01, 0.04, 0.03, 0.005}), {0.03, 0.06, 0.06, 0.02});
  expect_near(holm({0.5, 0.01, 0.3, 0.01}), {0.6, 0.04, 0.6, 0.04});
  expect_near(holm({0.2}), {0.2});
  EXPECT_TRUE(holm({}).empty());
}

TEST(Holm, is_never_below_p_nor_above_Bonferroni_and_keeps_the_order) {
  const std::vector<double> p = {0.9, 0.001, 0.04, 0.04, 0.2, 0.0004, 0.07};
  const std::vector<double> adjusted = holm(p);
  for (std::size_t i = 0; i < p.size(); ++i) {
    EXPECT_GE(adjusted[i], p[i]);
    EXPECT_LE(adjusted[i], std::min(1.0, p[i] * static_cast<double>(p.size())) + 1e-12);
    for (std::size_t j = 0; j < p.size(); ++j) {
      if (p[i] < p[j]) {
        EXPECT_LE(adjusted[i], adjusted[j]);
      }
    }
  }
}

// 5 and 5 values: P(U <= 2) = 4/252 is the last below 2.5 % (Conover, table A7), so the bounds are the 3rd smallest and
// the 3rd largest of the 25 ratios.
TEST(MedianRatio, has_the_interval_that_inverts_the_exact_Mann_Whitney_test) {
  const Values a = {100, 101, 102, 103, 104};
  const Values b = {120, 122, 124, 126, 128};
  const Ratio ratio = median_ratio(a, b);
  EXPECT_NEAR(ratio.estimate, 124.0 / 102, 1e-12);
  EXPECT_NEAR(ratio.lower, 122.0 / 104, 1e-12);  // after 120/104 and 120/103
  EXPECT_NEAR(ratio.upper, 126.0 / 100, 1e-12);  // before 128/100 and 128/101
}

TEST(MedianRatio, holds_its_estimate_where_the_samples_are_lopsided) {
  const Values a = {100, 100, 100, 100};
  const Values b = {90, 91, 200, 201};
  const Ratio ratio = median_ratio(a, b);
  EXPECT_NEAR(ratio.estimate, 0.91, 1e-12);  // the lower middle
  EXPECT_LE(ratio.lower, ratio.estimate);
  EXPECT_GE(ratio.upper, ratio.estimate);
}

TEST(Judge, needs_significance_and_effect) {
  const double effect = 0.05;
  const auto judged = [&](double estimate, double lower, double upper, double p) {
    return judge({estimate, lower, upper, 0.95}, p, effect, 0.05);
  };
  EXPECT_EQ(judged(1.20, 1.18, 1.22, 0.01), Change::slower);
  EXPECT_EQ(judged(1 / 1.2, 1 / 1.22, 1 / 1.18, 0.01), Change::faster);
  EXPECT_EQ(judged(1.05, 1.04, 1.06, 0.01), Change::slower);       // the minimum itself counts
  EXPECT_EQ(judged(1.20, 1.18, 1.22, 0.05), Change::undecided);    // not significant, not small
  EXPECT_EQ(judged(1.03, 1.02, 1.04, 0.0001), Change::same);       // significant and too small to care
  EXPECT_EQ(judged(1.03, 1.00, 1.06, 0.0001), Change::undecided);  // perhaps too small
  EXPECT_EQ(judged(1.00, 0.99, 1.01, 1), Change::same);
  EXPECT_EQ(judged(1.00, 0.90, 1.01, 1), Change::undecided);
  EXPECT_EQ(judged(1.00, 1 / 1.05, 1.05, 1), Change::undecided);  // the bounds themselves are not within
}

TEST(Judge, with_no_minimum_effect_equal_medians_are_no_change) {
  EXPECT_EQ(judge({1, 1, 1, 0.95}, 0.001, 0, 0.05), Change::undecided);
  EXPECT_EQ(judge({1.001, 1.0005, 1.002, 0.95}, 0.001, 0, 0.05), Change::slower);
}

TEST(Judge, is_mirrored_when_the_sides_are_swapped) {
  const Values a = {1000, 1010, 1020, 1030, 1040, 1050, 1060};
  for (const std::int64_t percent : {80, 94, 95, 96, 100, 104, 105, 106, 130}) {
    Values b;
    for (const std::int64_t value : a) b.push_back(value * percent / 100);
    const double p = mann_whitney_p(a, b);
    const Change there = judge(median_ratio(a, b), p, 0.05, 0.05);
    const Change back = judge(median_ratio(b, a), p, 0.05, 0.05);
    const Change mirrored = there == Change::slower ? Change::faster : there == Change::faster ? Change::slower : there;
    EXPECT_EQ(back, mirrored) << percent;
  }
}

// 2 / C(10, 5) = 0.0079; 53 tests: 0.42. C(14, 7) = 3432: 53 * 2 / 3432 = 0.031, and C(12, 6) = 924 gives 0.115.
TEST(Power, says_how_many_values_it_takes) {
  EXPECT_NEAR(least_adjusted_p(5, 5, 1), 2.0 / 252, 1e-12);
  EXPECT_NEAR(least_adjusted_p(5, 5, 53), 53 * 2.0 / 252, 1e-10);
  EXPECT_EQ(least_adjusted_p(1, 1, 1), 1);
  EXPECT_EQ(values_needed(53, 0.05), 7u);
  EXPECT_EQ(values_needed(1, 0.05), 4u);
  EXPECT_NEAR(mann_whitney_p({1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}), least_adjusted_p(5, 5, 1), 1e-12);
}

}  // namespace
}  // namespace harness::model
