// The curve and its candidates, with profiles that are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing_recommend::profile_with;

TEST(RecommendCurve, AJobOfWaitingTasksIsFastestWithAWorkerForEach) {
  const std::vector<Point> curve = predict_curve(profile_with(20 * kMs, 0), {.tasks = 30}, 64);
  EXPECT_EQ(curve.front().choice, (Choice{Pool::thread, 30, model::Strategy::none, 0}));
  EXPECT_EQ(curve.front().predicted_ns, 20 * kMs);
}

TEST(RecommendCurve, AJobOfComputingTasksNeedsNoMoreWorkersThanCores) {
  const std::vector<Point> curve = predict_curve(profile_with(0, 20 * kMs), {.tasks = 30}, 64);
  EXPECT_EQ(curve.front().choice, (Choice{Pool::thread, 2, model::Strategy::none, 0}));
  EXPECT_EQ(curve.front().predicted_ns, 300 * kMs);
}

TEST(RecommendCurve, OfALoopTheWorkersAreTheTasksInFlight) {
  const Profile waits = profile_with(20 * kMs, 0);
  EXPECT_EQ(predict_ns(waits, {.tasks = 30}, {Pool::loop, 30}), 20 * kMs);
  EXPECT_EQ(predict_ns(waits, {.tasks = 30}, {Pool::loop, 10}), 60 * kMs);
  Profile computes = profile_with(0, 20 * kMs);
  computes.thread.locked_share = 1;
  EXPECT_EQ(predict_ns(computes, {.tasks = 30}, {Pool::loop, 30}), 600 * kMs) << "it has one thread";
}

TEST(RecommendCurve, ALockOfTheThreadsMakesProcessesTheChoice) {
  Profile profile = profile_with(0, 20 * kMs);
  profile.thread.locked_share = 1;
  const std::vector<Point> curve = predict_curve(profile, {.tasks = 30}, 64);
  EXPECT_EQ(curve.front().choice, (Choice{Pool::process, 2, model::Strategy::none, 0}));
}

TEST(RecommendCurve, OfThreeTasksHalfOfWhichAreLockedOneIs) {
  Profile profile = profile_with(0, 20 * kMs, 4);
  profile.thread.locked_share = 0.5;
  EXPECT_EQ(predict_ns(profile, {.tasks = 3}, {Pool::thread, 3, model::Strategy::none, 0}), 20 * kMs);
  EXPECT_EQ(predict_ns(profile, {.tasks = 4}, {Pool::thread, 4, model::Strategy::none, 0}), 40 * kMs);
}

TEST(RecommendCurve, WhatContendsTakesLongerWaitingAndComputing) {
  for (Profile profile : {profile_with(0, 10 * kMs, 16), profile_with(10 * kMs, 0, 16)}) {
    profile.thread.usl = {.alpha = 0.1, .beta = 0};
    EXPECT_EQ(predict_ns(profile, {.tasks = 11}, {Pool::thread, 11, model::Strategy::none, 0}), 20 * kMs);
  }
}

TEST(RecommendCurve, TheFewestWorkersOfUpToFourRoundsAreWorthAThought) {
  const std::vector<int> counts = worker_counts(profile_with(20 * kMs, 0), {.tasks = 30}, 64);
  EXPECT_THAT(counts, testing::IsSupersetOf({30, 15, 10, 8}));
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
}

TEST(RecommendCurve, AParserCostsAsMuchAsAWorker) {
  EXPECT_FALSE(cheaper({Pool::thread, 2, model::Strategy::extra, 2}, {Pool::thread, 3, model::Strategy::fused, 0}));
  EXPECT_TRUE(cheaper({Pool::thread, 2, model::Strategy::extra, 1}, {Pool::thread, 4, model::Strategy::fused, 0}));
}

TEST(RecommendCurve, CallbacksAreTriedOnTheWorkerInTheMainProcessFusedAndInParsers) {
  const Batch batch{.tasks = 8, .callback = {.wait_ns = 5 * kMs}};
  const std::vector<Point> curve = predict_curve(profile_with(20 * kMs, 0), batch, 8);
  for (const auto strategy : {model::Strategy::worker, model::Strategy::main, model::Strategy::fused, model::Strategy::extra}) {
    EXPECT_TRUE(std::any_of(curve.begin(), curve.end(), [&](const Point& p) { return p.choice.strategy == strategy; }));
  }
  EXPECT_EQ(curve.front().predicted_ns, 25 * kMs);
}

TEST(RecommendCurve, ParsersAreProcessesThatAreStartedToo) {
  Profile profile = profile_with(20 * kMs, 0);
  const Batch batch{.tasks = 40, .callback = {.compute_ns = 5 * kMs}, .python = true};
  const Choice choice{Pool::thread, 8, model::Strategy::extra, 2};
  const std::int64_t before = predict_ns(profile, batch, choice);
  profile.process.start_ns = 7 * kMs;
  profile.process.start_per_worker_ns = 30 * kMs;
  EXPECT_EQ(predict_ns(profile, batch, choice), before + 7 * kMs + 2 * 30 * kMs);
  profile.process.start_per_worker_ns = 1000 * kMs;
  for (const Point& point : predict_curve(profile, batch, 16)) {
    EXPECT_EQ(point.choice.parsers, point.choice.strategy == model::Strategy::extra ? 1 : 0) << "no second is worth its start";
  }
}

TEST(RecommendCurve, TheRulesOfThumbAreAlwaysAmongTheCandidates) {
  const Profile profile = profile_with(38 * kMs, 2 * kMs);
  const std::vector<Point> curve = predict_curve(profile, {.tasks = 200}, 64);
  const std::vector<Choice> chosen = candidates(curve, profile, 8);
  for (const Choice& rule : {Choice{Pool::thread, 2}, Choice{Pool::thread, 10}, Choice{Pool::process, 2}}) {
    EXPECT_THAT(chosen, testing::Contains(rule));
  }
  EXPECT_LE(chosen.size(), 9U);
  EXPECT_THAT(chosen, testing::Contains(curve.front().choice));
}

TEST(RecommendCurve, AllTasksInFlightOfALoopAreAlwaysACandidate) {
  const Profile profile = profile_with(0, 20 * kMs);  // from one on all are predicted to be equal
  const Batch batch{.tasks = 60, .pools = {Pool::thread, Pool::loop}, .python = true};
  for (const int most : {64, 40}) {
    const std::vector<Choice> chosen = candidates(predict_curve(profile, batch, most), profile, 3);
    EXPECT_THAT(chosen, testing::Contains(Choice{Pool::loop, std::min(60, most)}));
  }
}

// Two cores here and on each host; the way costs 100 us each way, and 10 us a task.
Profile profile_with_hosts(std::int64_t wait_ns, std::int64_t compute_ns) {
  Profile profile = profile_with(wait_ns, compute_ns);
  profile.hop = {.latency_ns = 100'000, .request_ns = 10'000};
  return profile;
}

TEST(RecommendCurve, OtherHostsAreTheChoiceWhereTheirCoresAreWorthTheWay) {
  const std::vector<Point> curve = predict_curve(profile_with_hosts(0, 20 * kMs), {.tasks = 60, .hosts = 2}, 64);
  EXPECT_EQ(curve.front().choice.pool, Pool::remote);
  EXPECT_EQ(curve.front().choice.hosts, 2);
  EXPECT_LT(curve.front().predicted_ns, 310 * kMs);
  EXPECT_EQ(describe({Pool::remote, 4, model::Strategy::none, 0, 2}), "pool over 2 hosts, 4 workers");
  const std::vector<Point> short_tasks = predict_curve(profile_with_hosts(0, 1'000), {.tasks = 60, .hosts = 2}, 64);
  EXPECT_EQ(short_tasks.front().choice.hosts, 0);
}

TEST(RecommendCurve, OverEachNumberOfHostsWhatIsAsGoodWithTheFewestWorkersIsACandidate) {
  const Profile profile = profile_with_hosts(0, 20 * kMs);
  const std::vector<Choice> chosen = candidates(predict_curve(profile, {.tasks = 60, .hosts = 2}, 64), profile, 3);
  for (const int hosts : {1, 2}) {  // a worker per core there; more hide some of the way, which is little of 20 ms
    const Choice lean{Pool::remote, 2 * hosts, model::Strategy::none, 0, hosts};
    EXPECT_THAT(chosen, testing::Contains(lean)) << hosts;
  }
  EXPECT_EQ(std::count_if(chosen.begin(), chosen.end(), [](const Choice& c) { return c.hosts > 0; }), 2);
}

TEST(RecommendCurve, WithoutHostsNoPoolIsElsewhere) {
  for (const Point& point : predict_curve(profile_with_hosts(0, 20 * kMs), {.tasks = 60}, 64)) {
    EXPECT_EQ(point.choice.hosts, 0);
  }
}

TEST(RecommendCurve, OnEachHostThereAreAsManyWorkersAndTheyContendAmongThemselves) {
  Profile profile = profile_with(20 * kMs, 0);
  profile.process.usl = {.alpha = 0.1, .beta = 0};
  for (const Point& point : predict_curve(profile, {.tasks = 22, .hosts = 2}, 11)) {
    EXPECT_EQ(point.choice.workers % std::max(1, point.choice.hosts), 0);
  }
  EXPECT_EQ(predict_ns(profile, {.tasks = 22}, {Pool::remote, 22, model::Strategy::none, 0, 2}), 40 * kMs);
}

TEST(RecommendCurve, AHostCostsMoreThanAnyWorkersHere) {
  EXPECT_TRUE(cheaper({Pool::process, 64}, {Pool::remote, 2, model::Strategy::none, 0, 1}));
  EXPECT_TRUE(cheaper({Pool::remote, 8, model::Strategy::none, 0, 1}, {Pool::remote, 2, model::Strategy::none, 0, 2}));
}

TEST(RecommendCurve, TheLeanestOfWhatIsSurelyAsGoodIsACandidateBesideTheLeanestThatMayBe) {
  const std::vector<Point> curve{{{Pool::thread, 64}, 1000},
                                 {{Pool::thread, 50}, 1008},
                                 {{Pool::thread, 46}, 1028},
                                 {{Pool::thread, 40}, 1035}};
  EXPECT_THAT(candidates(curve, profile_with(16 * kMs, 4 * kMs), 3),
              testing::ElementsAre(Choice{Pool::thread, 64}, Choice{Pool::thread, 50}, Choice{Pool::thread, 46}));
}

TEST(RecommendCurve, TheLeanestOfAPoolIsOneOfItsOwn) {
  const std::vector<Point> curve{{{Pool::thread, 64}, 1000},
                                 {{Pool::process, 64}, 1000},
                                 {{Pool::thread, 40}, 1005},
                                 {{Pool::process, 50}, 1008}};
  EXPECT_THAT(candidates(curve, profile_with(16 * kMs, 4 * kMs), 3),
              testing::ElementsAre(Choice{Pool::thread, 64}, Choice{Pool::thread, 40}, Choice{Pool::process, 64},
                                   Choice{Pool::process, 50}));
}

}  // namespace
}  // namespace harness::recommend
