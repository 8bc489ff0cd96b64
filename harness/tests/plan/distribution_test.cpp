#include "harness/plan/distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/base/errors.h"
#include "harness/base/random.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

double mean(const std::vector<std::int64_t>& draws) {
  return std::accumulate(draws.begin(), draws.end(), 0.0) / static_cast<double>(draws.size());
}

TEST(Distributions, EqualAndLinearAreExact) {
  EXPECT_THAT(draw_durations("equal", 3, 9'007'199'254'740'993, 1),
              ElementsAre(9'007'199'254'740'993, 9'007'199'254'740'993, 9'007'199'254'740'993));
  EXPECT_THAT(draw_durations("linear", 4, 1'000, 1), ElementsAre(1'000, 2'000, 3'000, 4'000));
}

TEST(Distributions, SplitMix64HasItsPublishedOutputs) {
  // From the reference implementation, seed 1234567.
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

// Known to the nanosecond, so that another platform that draws something else is noticed.
TEST(Distributions, DrawTheSameDurationsEverywhere) {
  EXPECT_THAT(draw_durations("uniform", 4, 1'000'000, 42), ElementsAre(1'483'130, 319'821, 557'202, 688'381));
  EXPECT_THAT(draw_durations("exponential", 4, 1'000'000, 42), ElementsAre(298'993, 1'833'142, 1'277'974, 1'066'559));
  EXPECT_THAT(draw_durations("heavy_tailed", 4, 1'000'000, 42), ElementsAre(787'652, 325'512, 364'891, 391'923));
}

TEST(Distributions, ExponentialIsTheInverseOfItsDistributionFunction) {
  SplitMix64 random(7);
  const auto draws = draw_durations("exponential", 1'000, 1'000'000'000, 7);
  for (const std::int64_t draw : draws) {
    EXPECT_NEAR(static_cast<double>(draw), -std::log(random.open_unit()) * 1e9, 1.0);
  }
}

TEST(Distributions, HeavyTailedIsTheInverseOfItsDistributionFunction) {
  SplitMix64 random(7);
  const double low = 1e9 / 3.5 * 4095 / 4096;
  const auto draws = draw_durations("heavy_tailed", 1'000, 1'000'000'000, 7);
  for (const std::int64_t draw : draws) {
    const double u = random.open_unit();
    EXPECT_NEAR((1 - std::pow(low / static_cast<double>(draw), 4.0 / 3)) / (1 - 1.0 / 4096), u, 1e-6);
    EXPECT_GE(static_cast<double>(draw), low - 1);
    EXPECT_LE(static_cast<double>(draw), 512 * low + 1);
  }
}

TEST(Distributions, RandomOnesHaveTheScaleAsTheirMean) {
  // Standard errors of the mean of a million draws: 0.06 %, 0.1 %, 0.3 %.
  EXPECT_NEAR(mean(draw_durations("uniform", 1'000'000, 1'000'000, 3)), 1e6, 3e3);
  EXPECT_NEAR(mean(draw_durations("exponential", 1'000'000, 1'000'000, 3)), 1e6, 5e3);
  EXPECT_NEAR(mean(draw_durations("heavy_tailed", 1'000'000, 1'000'000, 3)), 1e6, 15e3);
}

TEST(Distributions, AShorterDrawIsTheBeginningOfALongerOne) {
  for (const Distribution& distribution : distributions()) {
    const auto longer = draw_durations(distribution.name, 20, 1'000'000, 5);
    const auto shorter = draw_durations(distribution.name, 7, 1'000'000, 5);
    EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin())) << distribution.name;
  }
}

TEST(Distributions, DependOnTheSeed) {
  for (const char* const name : {"uniform", "exponential", "heavy_tailed"}) {
    EXPECT_NE(draw_durations(name, 8, 1'000'000, 5), draw_durations(name, 8, 1'000'000, 6)) << name;
  }
}

TEST(Distributions, RefuseUnknownNamesAndWhatIsTooLong) {
  try {
    draw_durations("expnential", 1, 1, 1);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'exponential'"));
    EXPECT_THAT(error.what(), HasSubstr("equal, linear, uniform, exponential, heavy_tailed"));
  }
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(draw_durations("linear", 2, most, 1), ConfigError);
  EXPECT_THROW(draw_durations("heavy_tailed", 100, most, 1), ConfigError);
  EXPECT_EQ(draw_durations("linear", 1, most, 1).front(), most);
}

TEST(Distributions, BoundedDrawsAreUniformOnTheirRange) {
  SplitMix64 random(11);
  std::vector<int> counts(5);
  for (int i = 0; i < 100'000; ++i) ++counts[random.below(5)];
  for (const int count : counts) EXPECT_NEAR(count, 20'000, 800);  // 6 standard deviations
}

}  // namespace
}  // namespace harness
