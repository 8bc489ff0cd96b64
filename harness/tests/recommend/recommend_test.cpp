// The whole of a recommendation, with a runner that computes instead of measuring.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "harness/base/errors.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing_recommend::chosen;
using testing_recommend::kSilent;
using testing_recommend::ModelMachine;
using testing_recommend::profile_with;
using testing_recommend::question;

TEST(Recommend, FindsTheKneeOfWorkThatWaitsMost) {
  ModelMachine machine({.wait_ns = 36 * kMs, .compute_ns = 4 * kMs}, 0);
  const Recommendation found = recommend(question(200), machine, kSilent);
  EXPECT_EQ(chosen(found).pool, Pool::thread);
  const auto best = found.curve.front().predicted_ns;
  EXPECT_LE(static_cast<double>(found.measured[found.choice].median_ns), 1.05 * static_cast<double>(best));
  EXPECT_GT(found.rounds, 4);
}

TEST(Recommend, TakesProcessesWhereThreadsShareALock) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  const Recommendation found = recommend(question(40), machine, kSilent);
  EXPECT_EQ(chosen(found), (Choice{Pool::process, 2, model::Strategy::none, 0}));
  EXPECT_DOUBLE_EQ(found.profile.thread.locked_share, 1);
}

TEST(Recommend, SeesALockThatOnlyManyThreadsMeetAt) {
  ModelMachine machine({.wait_ns = 18 * kMs, .compute_ns = 2 * kMs}, 1);
  const Recommendation found = recommend(question(200), machine, kSilent);
  EXPECT_GT(found.profile.thread.locked_share, 0.9);
  EXPECT_EQ(chosen(found).pool, Pool::process);
}

TEST(Recommend, TakesThreadsAndOnePerCoreForPlainComputing) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
  const Recommendation found = recommend(question(40), machine, kSilent);
  EXPECT_EQ(chosen(found), (Choice{Pool::thread, 2, model::Strategy::none, 0}));
  EXPECT_THAT(text(question(40), found),
              testing::AllOf(testing::HasSubstr("thread pool, 2 workers"), testing::HasSubstr("compute 100 %")));
}

TEST(Recommend, AnExhaustiveSweepGivesTheRegret) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(60);
  q.exhaustive = true;
  q.most_workers = 24;
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_GE(found.exhaustive.size(), found.curve.size());
  ASSERT_FALSE(found.judged.empty());
  EXPECT_LE(found.judged.size(), 5U);
  EXPECT_TRUE(
      std::any_of(found.judged.begin(), found.judged.end(), [&](const Measured& m) { return m.choice == chosen(found); }));
  for (const Measured& judged : found.judged) EXPECT_EQ(judged.makespans_ns.size(), 15U);
  EXPECT_GE(found.regret.ratio, 0);
  EXPECT_LE(found.regret.ratio, 0.05);
}

TEST(Recommend, ADisturbanceOfTheFirstRunsIsNoLock) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
  machine.threads_disturbed = 3;
  const Recommendation found = recommend(question(40), machine, kSilent);
  EXPECT_EQ(found.profile.thread.locked_share, 0);
  EXPECT_FALSE(found.profile.thread.usl.contends());
  EXPECT_EQ(chosen(found), (Choice{Pool::thread, 2, model::Strategy::none, 0}));
  EXPECT_THAT(text(question(40), found), testing::Not(testing::HasSubstr("lock")));
  EXPECT_EQ(found.curve.front().choice, (Choice{Pool::thread, 2, model::Strategy::none, 0})) << "predicted anew";
}

TEST(Recommend, AnswersForAllTasksWhereTheBudgetSufficesForSomeOnly) {
  ModelMachine machine({.wait_ns = 36 * kMs, .compute_ns = 4 * kMs}, 0);
  Question q = question(2000);
  q.budget = std::chrono::seconds(1);
  const Recommendation found = recommend(q, machine, kSilent);
  ASSERT_LT(found.batch.tasks, 2000);
  ASSERT_TRUE(found.all);
  EXPECT_EQ(choice_of(found).pool, Pool::thread);
  const std::int64_t truth = predict_ns(profile_with(36 * kMs, 4 * kMs), {.tasks = 2000}, choice_of(found));
  EXPECT_NEAR(static_cast<double>(found.all->predicted_ns), static_cast<double>(truth), 0.05 * static_cast<double>(truth));
  EXPECT_THAT(text(q, found), testing::AllOf(testing::HasSubstr("2000 tasks, of which"), testing::HasSubstr("for all 2000 tasks"),
                                             testing::Not(testing::HasSubstr("a worker for every task"))));
  EXPECT_THAT(json(q, found), testing::AllOf(testing::HasSubstr("\"tasks\": 2000"), testing::HasSubstr("\"tasks_run\": ")));
}

TEST(Recommend, RunsAllTasksOnTheBestCandidatesRatherThanFewerOnAll) {
  ModelMachine machine({.wait_ns = 36 * kMs, .compute_ns = 4 * kMs}, 0);
  Question q = question(200);
  q.budget = std::chrono::seconds(25);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(found.batch.tasks, 200);
  EXPECT_FALSE(found.all);
  ASSERT_FALSE(found.too_long.empty());
  EXPECT_THAT(text(q, found), testing::AllOf(testing::HasSubstr("not run"), testing::HasSubstr("(predicted)")));
}

// A machine on which somebody waits for a CPU all the time, until `quiet_from` readings have been taken.
Quiet noisy_until(int quiet_from, bool strict) {
  Quiet quiet{.rule = {}, .strict = strict, .seams = {}};
  const auto now = std::make_shared<std::int64_t>(0);
  const auto waited = std::make_shared<std::int64_t>(0);
  const auto readings = std::make_shared<int>(0);
  quiet.seams.now_ns = [now] { return *now; };
  quiet.seams.sleep = [now, waited, readings, quiet_from](std::chrono::nanoseconds duration) {
    *now += duration.count();
    if (*readings < quiet_from) *waited += duration.count();
  };
  quiet.seams.read = [waited, readings] {
    ++*readings;
    return Waiting{*waited};
  };
  return quiet;
}

TEST(Recommend, SaysThatItIsTooNoisyToTell) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(40);
  q.quiet = noisy_until(1'000'000'000, false);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_THAT(found.noise, testing::HasSubstr("waited for a CPU"));
  EXPECT_THAT(text(q, found), testing::HasSubstr("use          too noisy to tell"));
  EXPECT_THAT(json(q, found), testing::HasSubstr("\"too_noisy\": \"the machine was not quiet"));
}

TEST(Recommend, RefusesANoisyMachineIfItIsToBeStrict) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(40);
  q.quiet = noisy_until(1'000'000'000, true);
  EXPECT_THROW(recommend(q, machine, kSilent), EnvironmentError);
  EXPECT_EQ(machine.runs, 0);
}

TEST(Recommend, WaitsForAQuietMachine) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(40);
  q.quiet = noisy_until(50, true);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(found.noise, "");
  EXPECT_GT(found.gate.waited.count(), 0);
  EXPECT_THAT(text(q, found), testing::Not(testing::HasSubstr("too noisy")));
}

TEST(Recommend, AFailingTaskEndsItWithTheTasksOwnWords) {
  ModelMachine machine({.wait_ns = kMs}, 0);
  machine.failure = "'convert' exited with status 3 for the input 'a.png'";
  try {
    recommend(question(10), machine, kSilent);
    FAIL() << "a failure went unnoticed";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("exited with status 3 for the input 'a.png'"));
  }
}

}  // namespace
}  // namespace harness::recommend
