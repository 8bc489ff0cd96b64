// Quantiles and their intervals, against scipy.stats.binom and by how often they hold what they are said to hold.

#include "harness/model/quantiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace harness::model {
namespace {

std::vector<std::int64_t> ranks(int n) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1);
  return values;
}

TEST(Quantiles, binomial_probabilities_are_scipys) {
  EXPECT_NEAR(binomial_cdf(10, 0.2, 3), 0.8791261184, 1e-10);
  EXPECT_NEAR(binomial_cdf(100, 0.5, 39), 0.0176001001, 1e-9);
  EXPECT_EQ(binomial_cdf(10, 0.2, -1), 0);
  EXPECT_EQ(binomial_cdf(10, 0.2, 10), 1);
}

// Values that are their ranks show which order statistics the ends are.
TEST(Quantiles, have_the_order_statistics_of_the_binomial_distribution) {
  const Quantile median = quantile(ranks(100), 0.5);
  EXPECT_EQ(median.value, 50);
  EXPECT_EQ(median.lower, 40);
  EXPECT_EQ(median.upper, 61);
  EXPECT_NEAR(median.coverage, 0.9647998, 1e-6);
  const Quantile high = quantile(ranks(1000), 0.99);
  EXPECT_EQ(high.value, 990);
  EXPECT_EQ(high.lower, 983);
  EXPECT_EQ(high.upper, 997);
}

TEST(Quantiles, of_too_few_values_say_what_their_interval_is_worth) {
  const Quantile rare = quantile(ranks(100), 0.99);
  EXPECT_EQ(rare.value, 99);
  EXPECT_EQ(rare.lower, 97);
  EXPECT_EQ(rare.upper, 100);
  EXPECT_LT(rare.coverage, 0.95);
  const Quantile one = quantile({7}, 0.5);
  EXPECT_EQ(one.lower, 7);
  EXPECT_EQ(one.upper, 7);
  EXPECT_EQ(one.coverage, 0);
}

TEST(Quantiles, hold_the_true_value_as_often_as_they_say) {
  std::mt19937_64 random(5);
  std::exponential_distribution<double> draw(1e-6);
  const auto truth = static_cast<std::int64_t>(-std::log(0.05) * 1e6);  // the 95th percentile
  int held = 0;
  constexpr int kTrials = 400;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::int64_t> values;
    for (int i = 0; i < 500; ++i) values.push_back(static_cast<std::int64_t>(draw(random)));
    std::sort(values.begin(), values.end());
    const Quantile found = quantile(values, 0.95);
    if (found.lower <= truth && truth <= found.upper) ++held;
  }
  EXPECT_GE(held, kTrials * 93 / 100);
  EXPECT_LE(held, kTrials * 99 / 100);
}

}  // namespace
}  // namespace harness::model
