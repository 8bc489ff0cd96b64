// What is selected without making all pairs is, bit for bit, what sorting all pairs gives; and the sign test's numbers,
// which are found going up one term at a time, are those of the sums from the beginning.

#include "harness/model/pairwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "harness/model/statistics.h"

namespace harness::model {
namespace {

using Points = std::vector<std::pair<double, double>>;

// `spread` different values: few of them tie often.
std::vector<std::int64_t> random_values(std::mt19937_64& random, std::size_t count, std::uint64_t spread) {
  std::vector<std::int64_t> values(count);
  for (std::int64_t& value : values) value = static_cast<std::int64_t>(1 + random() % spread);
  return values;
}

std::vector<double> all_ratios(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  std::vector<double> ratios;
  for (const std::int64_t x : a) {
    for (const std::int64_t y : b) ratios.push_back(static_cast<double>(y) / static_cast<double>(x));
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios;
}

std::vector<double> all_slopes(const Points& points) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      const double run = points[j].first - points[i].first;
      if (run != 0) slopes.push_back((points[j].second - points[i].second) / run);
    }
  }
  std::sort(slopes.begin(), slopes.end());
  return slopes;
}

double middle(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

void expect_same(const PairTable& table, const std::vector<double>& sorted) {
  ASSERT_EQ(table.size(), sorted.size());
  for (std::size_t k = 0; k < sorted.size(); ++k) ASSERT_EQ(table.at(k), sorted[k]) << k << " of " << sorted.size();
  EXPECT_EQ(table.median(), middle(sorted));
}

TEST(PairTable, selects_every_ratio_that_sorting_all_pairs_gives) {
  std::mt19937_64 random(7);
  for (const std::uint64_t spread : {1U, 3U, 50U, 1'000'000'000U}) {
    for (const std::size_t m : {1U, 2U, 3U, 7U, 12U, 30U}) {
      for (const std::size_t n : {1U, 2U, 5U, 13U, 40U}) {
        const auto a = random_values(random, m, spread);
        const auto b = random_values(random, n, spread);
        expect_same(PairTable::ratios(a, b), all_ratios(a, b));
      }
    }
  }
}

TEST(PairTable, holds_at_the_ends_of_the_numbers) {
  const std::vector<std::int64_t> a = {1, INT64_MAX, 1, INT64_MAX, 3};
  const std::vector<std::int64_t> b = {INT64_MAX, 1, 2, INT64_MAX - 1, 1, 1, 7};
  expect_same(PairTable::ratios(a, b), all_ratios(a, b));
}

TEST(PairTable, selects_every_slope_of_few_and_of_many_different_x_of_either_sign_and_none) {
  std::mt19937_64 random(8);
  for (const std::uint64_t groups : {2U, 3U, 60U}) {
    for (const std::uint64_t spread : {2U, 9U, 100'000U}) {
      for (const std::size_t n : {2U, 3U, 8U, 25U, 60U}) {
        Points points{{1, 4}, {2, 1}};  // two different x
        while (points.size() < n) {
          points.emplace_back(1 + static_cast<double>(random() % groups),
                              static_cast<double>(random() % spread) - static_cast<double>(spread / 2));
        }
        expect_same(PairTable::slopes(points), all_slopes(points));
      }
    }
  }
}

TEST(RatioInterval, of_1_to_60_values_is_that_of_all_sorted_pairs) {
  std::mt19937_64 random(9);
  for (std::size_t m = 1; m <= 60; m += 1 + m / 4) {
    for (std::size_t n = 1; n <= 60; n += 1 + n / 3) {
      for (const std::uint64_t spread : {4U, 1'000'000U}) {
        const auto a = random_values(random, m, spread);
        const auto b = random_values(random, n, spread);
        const std::vector<double> sorted = all_ratios(a, b);
        const Ratio ratio = ratio_interval(a, b);
        EXPECT_EQ(ratio.estimate, middle(sorted));
        // An interval of order statistics that lie as far from either end.
        const auto low = std::lower_bound(sorted.begin(), sorted.end(), ratio.lower);
        ASSERT_NE(low, sorted.end());
        EXPECT_EQ(*low, ratio.lower);
        bool mirrored = false;
        for (auto at = low; at != sorted.end() && *at == ratio.lower; ++at) {
          mirrored = mirrored || sorted[sorted.size() - 1 - static_cast<std::size_t>(at - sorted.begin())] == ratio.upper;
        }
        EXPECT_TRUE(mirrored) << m << " and " << n;
      }
    }
  }
}

double cdf_from_the_beginning(int n, int x) {
  double sum = 0;
  for (int i = 0; i <= std::min(x, n); ++i) {
    sum += std::exp(std::lgamma(n + 1.0) - std::lgamma(i + 1.0) - std::lgamma(n - i + 1.0) - n * std::log(2.0));
  }
  return std::min(1.0, sum);
}

TEST(SignTest, goes_up_one_term_at_a_time_to_the_same_numbers) {
  for (int n = 0; n <= 60; ++n) {
    for (int x = -1; x <= n + 1; ++x) ASSERT_EQ(binomial_half_cdf(n, x), cdf_from_the_beginning(n, x)) << n << ' ' << x;
    int allowed = -1;
    while (allowed + 1 <= n && cdf_from_the_beginning(n, allowed + 1) <= 0.05) ++allowed;
    EXPECT_EQ(allowed_outside(n), allowed) << n;
    for (int second = n; second <= n + 12; ++second) {
      const auto level = [&](int most) {
        double probability = allowed < 0 ? 0 : cdf_from_the_beginning(n, allowed);
        for (int x = allowed + 1; x <= std::min(most, n); ++x) {
          const double exactly = cdf_from_the_beginning(n, x) - cdf_from_the_beginning(n, x - 1);
          probability += exactly * cdf_from_the_beginning(second - n, most - x);
        }
        return probability;
      };
      int most = -1;
      while (most + 1 <= second && level(most + 1) <= 0.05) ++most;
      const TwoLooks looks = two_looks(n, second);
      EXPECT_EQ(looks.second_allowed, most) << n << " and " << second;
      EXPECT_EQ(looks.level, level(most)) << n << " and " << second;
    }
  }
}

// Of so many values the pairs would take 80 GB.
TEST(RatioInterval, of_a_hundred_thousand_values_a_side_needs_no_pairs) {
  std::mt19937_64 random(10);
  const auto a = random_values(random, 100'000, 1'000'000);
  const auto b = random_values(random, 100'000, 1'000'000);
  const Ratio ratio = ratio_interval(a, b);
  EXPECT_LT(ratio.lower, ratio.estimate);
  EXPECT_LT(ratio.estimate, ratio.upper);
  EXPECT_NEAR(ratio.estimate, 1, 0.02);
  EXPECT_GE(median_interval(a).coverage, 0.95);
  EXPECT_GT(two_looks(100'000, 100'009).second_allowed, 49'000);
}

}  // namespace
}  // namespace harness::model
