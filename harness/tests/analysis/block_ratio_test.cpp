// Ratios over machines, against numbers from a table of Student's t.

#include "harness/analysis/block_ratio.h"

#include <gtest/gtest.h>

#include <cmath>

namespace harness {
namespace {

// t(2) at 97.5 % is 4.302653; of three machines with ratios 1.10, 1.20, 1.15.
TEST(BlockRatio, IsStudentsTOnTheLogarithms) {
  const std::vector<double> logs{std::log(1.10), std::log(1.20), std::log(1.15)};
  const BlockRatio over = block_ratio(logs);
  const double mean = (logs[0] + logs[1] + logs[2]) / 3;
  double squares = 0;
  for (const double value : logs) squares += (value - mean) * (value - mean);
  const double half = 4.302653 * std::sqrt(squares / 2 / 3);
  EXPECT_NEAR(over.ratio.estimate, std::exp(mean), 1e-12);
  EXPECT_NEAR(over.ratio.lower, std::exp(mean - half), 1e-6);
  EXPECT_NEAR(over.ratio.upper, std::exp(mean + half), 1e-6);
  EXPECT_LT(over.p, 0.05);  // 1 is outside the interval
  EXPECT_GT(over.ratio.lower, 1);
}

TEST(BlockRatio, IsUndecidedWhereMachinesDisagree) {
  const BlockRatio over = block_ratio({std::log(0.8), std::log(1.3), std::log(1.1)});
  EXPECT_GT(over.p, 0.05);
  EXPECT_LT(over.ratio.lower, 1);
  EXPECT_GT(over.ratio.upper, 1);
}

// The interval of two is where t has one degree of freedom: tan(0.475 pi) = 12.7062.
TEST(BlockRatio, OfTwoMachinesIsWide) {
  const BlockRatio over = block_ratio({std::log(1.0), std::log(1.1)});
  EXPECT_NEAR(std::log(over.ratio.upper / over.ratio.estimate), 12.7062 * std::log(1.1) / 2, 1e-4);
}

TEST(BlockRatio, OfOneMachineSaysNothingOfOthers) {
  const BlockRatio over = block_ratio({std::log(2.0)});
  EXPECT_DOUBLE_EQ(over.ratio.estimate, 2);
  EXPECT_EQ(over.ratio.lower, 0);
  EXPECT_TRUE(std::isinf(over.ratio.upper));
  EXPECT_EQ(over.p, 1);
}

TEST(BlockRatio, OfEqualRatiosIsCertain) {
  EXPECT_EQ(block_ratio({std::log(1.5), std::log(1.5)}).p, 0);
  EXPECT_EQ(block_ratio({0.0, 0.0, 0.0}).p, 1);
}

}  // namespace
}  // namespace harness
