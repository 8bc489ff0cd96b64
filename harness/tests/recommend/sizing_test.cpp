// Which size and which rate, from made-up curves and made-up runs.

#include "harness/recommend/sizing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace harness::recommend {
namespace {

TEST(Sizing, TheLeastSizeIsFoundBetweenThoseThatAreTried) {
  const auto from = [](int least) { return [least](int workers) { return workers >= least; }; };
  const std::vector<int> sizes{1, 2, 4, 8, 16, 32};
  for (int least = 1; least <= 32; ++least) EXPECT_EQ(least_size(sizes, from(least)), least);
  EXPECT_EQ(least_size(sizes, from(33)), std::nullopt);
  EXPECT_EQ(least_size({}, from(1)), std::nullopt);
}

TEST(Sizing, SizesThatAreTooLargeDoNotHideTheLeast) {
  // Between 5 and 9 workers it is kept: fewer queue, more get into each other's way.
  EXPECT_EQ(least_size({1, 2, 4, 8, 16}, [](int workers) { return workers >= 5 && workers <= 9; }), 5);
}

TEST(Sizing, FewSizesAreTried) {
  std::multiset<int> tried;
  const auto meets = [&](int workers) {
    tried.insert(workers);
    return workers >= 700;
  };
  EXPECT_EQ(least_size({1, 256, 512, 1024}, meets), 700);
  EXPECT_LE(tried.size(), 4U + 9U);
}

TEST(Sizing, TheLargestRateIsKnownToOnePercent) {
  for (const double truth : {0.9, 37.0, 410.0, 999.0}) {
    const std::optional<double> found = largest_rate(1000, [truth](double rate) { return rate <= truth; });
    ASSERT_TRUE(found);
    EXPECT_LE(*found, truth);
    EXPECT_GT(*found * 1.0101, truth);
  }
  EXPECT_EQ(largest_rate(1000, [](double) { return true; }), 1000);
  EXPECT_EQ(largest_rate(1000, [](double) { return false; }), std::nullopt);
}

TEST(Sizing, AnIntervalMeetsWithTheMarginFailsWholeOrIsUnclear) {
  const auto measured = [](std::int64_t lower, std::int64_t upper, double coverage) {
    return model::Quantile{.value = (lower + upper) / 2, .lower = lower, .upper = upper, .coverage = coverage};
  };
  EXPECT_EQ(judge(measured(100, 181, 0.95), 200), Verdict::meets);
  EXPECT_EQ(judge(measured(100, 190, 0.95), 200), Verdict::unclear) << "within the bound, but not with the margin";
  EXPECT_EQ(judge(measured(100, 181, 0.5), 200), Verdict::unclear) << "too few clients for the upper end";
  EXPECT_EQ(judge(measured(190, 260, 0.95), 200), Verdict::unclear);
  EXPECT_EQ(judge(measured(201, 260, 0.95), 200), Verdict::fails);
  EXPECT_EQ(both(Verdict::meets, Verdict::unclear), Verdict::unclear);
  EXPECT_EQ(both(Verdict::meets, Verdict::fails), Verdict::fails);
  EXPECT_EQ(both(Verdict::meets, Verdict::meets), Verdict::meets);
}

SeenSize fails(int workers, double share = 2) { return {workers, Verdict::fails, share}; }
SeenSize unclear(int workers, double share) { return {workers, Verdict::unclear, share}; }
SeenSize meets(int workers) { return {workers, Verdict::meets, 0.5}; }

TEST(Sizing, TheLeastThatMeetsIsUsedAndOneMoreThanTheLastThatFailsIsTheMinimum) {
  const Sized sized = size_from({fails(6), meets(7), meets(8)}, 7, 6);
  EXPECT_EQ(sized.workers, 7);
  EXPECT_EQ(sized.minimum, 7);
  EXPECT_TRUE(sized.kept && sized.sure && sized.minimum_known);

  const Sized between = size_from({fails(5), unclear(6, 0.97), meets(7)}, 7, 5);
  EXPECT_EQ(between.workers, 7);
  EXPECT_EQ(between.minimum, 6) << "6 may do";
}

TEST(Sizing, ASizeThatMeetsBelowOneThatFailsIsNotTrusted) {
  EXPECT_EQ(size_from({meets(5), fails(6), meets(7), meets(8)}, 7, 0).workers, 7);
  EXPECT_EQ(size_from({meets(5), fails(6)}, 5, 0).workers, 5) << "unless there is no other: more get into each other's way";
}

TEST(Sizing, WhatIsUnclearIsUsedFromThePredictedSizeOn) {
  const Sized sized = size_from({unclear(6, 0.99), unclear(7, 0.95), unclear(8, 0.9)}, 7, 0);
  EXPECT_EQ(sized.workers, 7);
  EXPECT_TRUE(sized.kept);
  EXPECT_FALSE(sized.sure);
  EXPECT_FALSE(sized.minimum_known);
  EXPECT_EQ(sized.minimum, 6) << "the least that was run";
}

TEST(Sizing, WhereNothingKeepsTheBoundsTheNearestIsNamed) {
  const Sized sized = size_from({fails(6, 3), fails(7, 1.5), unclear(8, 1.1)}, 7, 0);
  EXPECT_FALSE(sized.kept);
  EXPECT_EQ(sized.workers, 8);
}

TEST(Sizing, OneWorkerIsTheMinimumIfItMeets) {
  const Sized sized = size_from({meets(1), meets(2)}, 1, 0);
  EXPECT_EQ(sized.minimum, 1);
  EXPECT_TRUE(sized.minimum_known);
}

TEST(Sizing, WhatCannotServeTheRateNeedNotBeRunToFail) {
  const Sized sized = size_from({meets(7)}, 7, 6);
  EXPECT_EQ(sized.minimum, 7);
  EXPECT_TRUE(sized.minimum_known);
}

// The sizes that are run until next_size has none, where those from `least` on meet.
std::vector<int> run_until_settled(int predicted, int least, int overloaded, int most) {
  std::vector<SeenSize> seen;
  std::vector<int> order;
  while (const auto next = next_size(seen, predicted, overloaded, most)) {
    order.push_back(*next);
    seen.push_back(*next >= least ? meets(*next) : fails(*next));
    std::sort(seen.begin(), seen.end(), [](const SeenSize& a, const SeenSize& b) { return a.workers < b.workers; });
    if (order.size() > 100) break;
  }
  return order;
}

TEST(Sizing, ThePredictedSizeIsRunFirstAndThenItsNeighbours) {
  EXPECT_EQ(run_until_settled(7, 7, 0, 64), (std::vector<int>{7, 6, 8}));
  EXPECT_EQ(run_until_settled(1, 1, 0, 64), (std::vector<int>{1, 2}));
  EXPECT_EQ(run_until_settled(64, 64, 0, 64), (std::vector<int>{64, 63}));
}

TEST(Sizing, AWrongPredictionIsMendedFromBothSides) {
  for (int least = 1; least <= 64; ++least) {
    for (const int predicted : {1, 7, 30, 64}) {
      const std::vector<int> order = run_until_settled(predicted, least, 0, 64);
      const std::set<int> run(order.begin(), order.end());
      EXPECT_TRUE(run.contains(least)) << least << " predicted " << predicted;
      EXPECT_TRUE(least == 1 || run.contains(least - 1)) << least << " predicted " << predicted;
      EXPECT_EQ(run.size(), order.size()) << "none twice";
      EXPECT_LE(order.size(), 16U);
    }
  }
  EXPECT_EQ(run_until_settled(7, 100, 0, 10), (std::vector<int>{7, 6, 8, 9, 10})) << "up to the most";
}

TEST(Sizing, WhatCannotServeTheRateIsNotSearched) {
  EXPECT_EQ(run_until_settled(20, 12, 11, 64), (std::vector<int>{20, 19, 21, 15, 13, 12}));
}

}  // namespace
}  // namespace harness::recommend
