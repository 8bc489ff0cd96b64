// The profile of some work: what its traces say, and what is blamed on a lock or contention.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

TEST(Profile, WhatATaskWasKeptOffACpuForIsNoWaiting) {
  Trace trace;
  trace.tasks.push_back({.submitted_ns = 0, .started_ns = 0, .finished_ns = 100, .cpu_ns = 40, .delayed_ns = 35});
  trace.tasks.push_back({.submitted_ns = 0, .started_ns = 100, .finished_ns = 200, .cpu_ns = 90, .delayed_ns = 50});
  const Profile profile = profile_of({&trace}, 2);
  EXPECT_EQ(profile.demands.at(0).wait_ns, 25);
  EXPECT_EQ(profile.demands.at(0).compute_ns, 40);
  EXPECT_EQ(profile.demands.at(1).wait_ns, 0) << "no more than there is besides the CPU time";
  EXPECT_DOUBLE_EQ(profile.delayed_share, 0.5 * (35 + 10) / 100);
}

using testing_recommend::profile_with;
using testing_recommend::trace_of;

TEST(RecommendProfile, SplitsTheTimeOfATaskIntoWaitingAndComputing) {
  const Trace trace = trace_of({{10 * kMs, 2 * kMs}, {30 * kMs, 6 * kMs}});
  const Profile profile = profile_of({&trace}, 2);
  EXPECT_EQ(profile.mean_wait_ns(), 16 * kMs);
  EXPECT_EQ(profile.mean_compute_ns(), 4 * kMs);
  EXPECT_DOUBLE_EQ(profile.waiting_share(), 0.8);
  EXPECT_DOUBLE_EQ(profile.wait_to_compute().value(), 4);
  EXPECT_EQ(profile.quantile_ns(0), 10 * kMs);
  EXPECT_EQ(profile.quantile_ns(1), 30 * kMs);
  EXPECT_DOUBLE_EQ(profile.variation(), 0.5);
  EXPECT_DOUBLE_EQ(profile.cores_per_task, 1);
}

TEST(RecommendProfile, ATaskThatKeepsSeveralCoresBusyLeavesFewerForOthers) {
  const Trace trace = trace_of({{10 * kMs, 20 * kMs}});
  const Profile profile = profile_of({&trace}, 4);
  EXPECT_EQ(profile.mean_wait_ns(), 0);
  EXPECT_EQ(profile.mean_compute_ns(), 10 * kMs);
  EXPECT_DOUBLE_EQ(profile.effective_cores(), 2);
}

TEST(RecommendProfile, ATaskDemandsWhatItsInputDoesOrTheOneNextToIt) {
  Profile profile;
  for (int seen = 0; seen < 4; ++seen) profile.demands.push_back({.wait_ns = seen});
  const auto of = [&](int tasks) {
    std::vector<std::int64_t> demands;
    for (int task = 0; task < tasks; ++task) demands.push_back(profile.demand_of(task, tasks).wait_ns);
    return demands;
  };
  EXPECT_THAT(of(6), testing::ElementsAre(0, 1, 2, 3, 0, 1)) << "one is as good as another";
  profile.inputs = 8;  // of which every second one was seen
  EXPECT_THAT(of(8), testing::ElementsAre(0, 0, 1, 1, 2, 2, 3, 3));
  EXPECT_THAT(of(3), testing::ElementsAre(0, 2, 3)) << "inputs 1, 4 and 6";
  EXPECT_THAT(of(10), testing::ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 0, 0)) << "from the first again";
  profile.inputs = 2;  // each of which was seen twice
  EXPECT_THAT(of(5), testing::ElementsAre(0, 1, 0, 1, 0));
}

TEST(RecommendProfile, RefusesToProfileNothing) { EXPECT_THROW(profile_of({}, 2), std::invalid_argument); }

TEST(RecommendProfile, TheKneeIsGoetzsAndALockLowersIt) {
  Profile profile = profile_with(16 * kMs, 4 * kMs);
  EXPECT_DOUBLE_EQ(knee(profile, Pool::thread).value(), 10);
  profile.thread.locked_share = 1;
  EXPECT_DOUBLE_EQ(knee(profile, Pool::thread).value(), 5);
  EXPECT_DOUBLE_EQ(knee(profile, Pool::process).value(), 10);
  EXPECT_EQ(knee(profile_with(5 * kMs, 0), Pool::thread), std::nullopt);
}

TEST(RecommendProfile, TheKneeOfTasksThatKeepSeveralCoresBusyCountsThoseCores) {
  const Trace trace = trace_of({{10 * kMs, 20 * kMs}});
  EXPECT_DOUBLE_EQ(knee(profile_of({&trace}, 4), Pool::thread).value(), 2);
}

TEST(RecommendProfile, FindsTheParametersOfTheUniversalScalabilityLawAgain) {
  const Usl truth{0.05, 0.002};
  std::vector<Slowdown> slowdowns;
  for (const int workers : {2, 10, 40}) slowdowns.push_back({workers, truth.slowdown(workers)});
  const Usl found = fit_usl(slowdowns);
  EXPECT_NEAR(found.alpha, truth.alpha, 1e-9);
  EXPECT_NEAR(found.beta, truth.beta, 1e-9);
}

TEST(RecommendProfile, TakesNoiseForNoContention) {
  EXPECT_FALSE(fit_usl({{2, 1.05}, {10, 0.97}, {40, 1.09}}).contends());
  EXPECT_FALSE(fit_usl({}).contends());
  EXPECT_TRUE(fit_usl({{2, 1.0}, {10, 1.5}}).contends());
}

TEST(RecommendProfile, NeverFitsANegativeParameter) {
  for (const auto& slowdowns : {std::vector<Slowdown>{{2, 1.5}, {10, 1.6}, {40, 1.7}}, {{2, 1.0}, {10, 1.0}, {40, 9.0}}}) {
    const Usl usl = fit_usl(slowdowns);
    EXPECT_GE(usl.alpha, 0);
    EXPECT_GE(usl.beta, 0);
    EXPECT_TRUE(usl.contends());
  }
}

TEST(RecommendProfile, OnTheBoundaryFitsTheParameterThatIsNearer) {
  const Usl contention = fit_usl({{2, 1.5}, {10, 1.6}, {40, 1.7}});  // rises early, then hardly
  EXPECT_GT(contention.alpha, 0);
  EXPECT_EQ(contention.beta, 0);
  const Usl coherency = fit_usl({{2, 1.0}, {10, 1.0}, {40, 9.0}});
  EXPECT_EQ(coherency.alpha, 0);
  EXPECT_GT(coherency.beta, 0);
}

TEST(RecommendProfile, AShareUnderALockIsInProportion) {
  EXPECT_EQ(locked_share(100, 100, 200), 0);
  EXPECT_EQ(locked_share(104, 100, 200), 0);  // noise
  EXPECT_DOUBLE_EQ(locked_share(150, 100, 200), 0.5);
  EXPECT_EQ(locked_share(198, 100, 200), 1);
  EXPECT_EQ(locked_share(150, 100, 105), 0);  // a lock that would cost nothing
  EXPECT_EQ(locked_share(104, 100, 112), 0);  // noise, although a third of what the lock would cost
}

}  // namespace
}  // namespace harness::recommend
