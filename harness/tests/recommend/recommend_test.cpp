// The whole of a recommendation, with a runner that computes instead of measuring.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/errors.h"
#include "harness/model/hop_forms.h"
#include "harness/recommend/other_hosts.h"
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

TEST(Recommend, MeasuresACallbackOfTheUsersOwnAndNamesWhoRunsIt) {
  ModelMachine machine({.wait_ns = 20 * kMs, .compute_ns = 0}, 0);
  machine.callback = {.wait_ns = 1 * kMs, .compute_ns = 3 * kMs};
  Question q = question(60);
  q.callback_workload = "command:jq .name";
  q.own.emplace();
  q.own->subject.command = {"curl", "-s", "{}"};
  q.own->subject.callback_command = {"jq", ".name"};
  q.own->inputs_file = "urls.txt";
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(found.batch.callback.wait_ns, 1 * kMs);
  EXPECT_EQ(found.batch.callback.compute_ns, 3 * kMs);
  EXPECT_NE(chosen(found).strategy, model::Strategy::none);
  // One thread for all callbacks would take 60 x 4 ms; two cores compute them in 90.
  EXPECT_NE(chosen(found).strategy, model::Strategy::main);
  EXPECT_LT(found.measured[found.choice].median_ns, 150 * kMs);
  EXPECT_THAT(text(q, found),
              testing::AllOf(testing::HasSubstr("callbacks of 4.00 ms"), testing::HasSubstr("sed '/^$/d' urls.txt | xargs")));
  EXPECT_THAT(json(q, found), testing::HasSubstr("\"language\": \"sh\""));
  EXPECT_THAT(markdown(q, found), testing::HasSubstr("\n```sh\n"));
}

TEST(Recommend, OfAFunctionUnderALockWithoutProcessesItIsOneAfterTheOther) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  Question q = question(40);
  q.pools = {Pool::thread};
  q.own.emplace();
  q.own->library = "./libx.so";
  q.own->range = "1..40";
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(chosen(found), (Choice{Pool::thread, 1, model::Strategy::none, 0}));
  EXPECT_THAT(text(q, found), testing::AllOf(testing::HasSubstr("no pool: one after the other"),
                                             testing::HasSubstr("several at once take as long as one after the\n")));
}

TEST(Recommend, AnExhaustiveSweepGivesTheRegret) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(60);
  q.exhaustive = true;
  q.most_workers = 24;
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_GE(found.exhaustive.size(), found.curve.size());
  for (const Measured& each : found.exhaustive) {
    const bool hopeless = each.median_ns > 2 * found.exhaustive.front().median_ns;
    EXPECT_EQ(each.makespans_ns.size(), hopeless ? 1U : 5U) << describe(each.choice);
  }
  EXPECT_GT(found.exhaustive.back().median_ns, 2 * found.exhaustive.front().median_ns);
  ASSERT_FALSE(found.judged.empty());
  EXPECT_LE(found.judged.size(), 5U);
  EXPECT_TRUE(
      std::any_of(found.judged.begin(), found.judged.end(), [&](const Measured& m) { return m.choice == chosen(found); }));
  for (const Measured& judged : found.judged) EXPECT_EQ(judged.makespans_ns.size(), 15U);
  EXPECT_GE(found.regret.ratio, 0);
  EXPECT_LE(found.regret.ratio, 0.05);
}

TEST(Recommend, ProbesShortTasksInNumbersThatCanBeToldFromNoise) {
  for (const int tasks : {200, 50}) {
    ModelMachine machine({.wait_ns = 0, .compute_ns = 1 * kMs}, 1);
    const Recommendation found = recommend(question(tasks), machine, kSilent);
    const auto probe = std::find_if(machine.batches.begin(), machine.batches.end(),
                                    [](const Factors& cell) { return cell.backend == "thread" && cell.workers == 2; });
    ASSERT_NE(probe, machine.batches.end());
    EXPECT_EQ(probe->tasks, std::min(tasks, 80)) << "40 ms for each worker";
    EXPECT_EQ(found.profile.thread.locked_share, 1);
  }
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

TEST(Recommend, WhatADisturbanceMadeLookHopelessIsHeardWhateverTheBudget) {
  for (int budget_ms = 1000; budget_ms <= 16000; budget_ms += 500) {
    ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
    machine.threads_disturbed = 3;
    Question q = question(40);
    q.budget = std::chrono::milliseconds(budget_ms);
    const Recommendation found = recommend(q, machine, kSilent);
    EXPECT_FALSE(found.profile.thread.locked_share > 0) << budget_ms;
    EXPECT_EQ(chosen(found).pool, Pool::thread) << budget_ms;
    EXPECT_TRUE(found.too_long.empty()) << budget_ms;
  }
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
  EXPECT_THAT(text(q, found),
              testing::AllOf(testing::HasSubstr("2000 tasks; each run had"), testing::HasSubstr("for all 2000 tasks"),
                             testing::Not(testing::HasSubstr("a worker for every task")),
                             testing::Not(testing::HasSubstr("ties with")),  // they would be of the fewer
                             testing::HasSubstr("a time (predicted)")));
  const auto rules = comparisons(found);
  EXPECT_THAT(rules, testing::Each(testing::Field(&Comparison::is_predicted, true)));
  ASSERT_FALSE(rules.empty());
  const std::int64_t ten = predict_ns(profile_with(36 * kMs, 4 * kMs), {.tasks = 2000}, {Pool::thread, 10});
  EXPECT_NEAR(rules.front().ratio.estimate, static_cast<double>(ten) / static_cast<double>(truth),
              0.05 * static_cast<double>(ten) / static_cast<double>(truth))
      << rules.front().rule;
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

Question question_over_two_hosts(int tasks) {
  Question q = question(tasks);
  q.over_hosts = {"remote:a", "remote:a,b"};
  return q;
}

TEST(Recommend, LeavesTheMachineWhereTheHostsHaveCoresForTheWork) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 20 * kMs}, 0);
  machine.hop = {.latency_ns = 100'000, .request_ns = 10'000};
  const Question q = question_over_two_hosts(60);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(chosen(found), (Choice{Pool::remote, 4, model::Strategy::none, 0, 2}));
  EXPECT_THAT(found.measured, testing::Contains(testing::Field(&Measured::choice, testing::Field(&Choice::hosts, 1))));
  const std::optional<Leaving> leaves = leaving(q, found);
  ASSERT_TRUE(leaves);
  EXPECT_EQ(leaves->away, chosen(found));
  EXPECT_EQ(leaves->here.hosts, 0);
  EXPECT_FALSE(leaves->is_predicted);
  EXPECT_LT(leaves->ratio.upper, 0.6);
  EXPECT_EQ(leaves->from_ns, model::break_even_ns(60, leaves->here.workers, 4, found.profile.hop));
  for (const std::string& said : {text(q, found), markdown(q, found)}) {
    EXPECT_THAT(said, testing::HasSubstr("leaving the machine pays"));
  }
  EXPECT_THAT(reason(q, found), testing::HasSubstr("2 hosts have cores"));
  EXPECT_THAT(json(q, found), testing::AllOf(testing::HasSubstr("\"hosts\": 2"), testing::HasSubstr("\"leaving_pays_ns\": ")));
}

TEST(Recommend, StaysWhereTheWayIsLongerThanTheWork) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = kMs}, 0);
  machine.hop = {.latency_ns = 100 * kMs, .request_ns = 5 * kMs};
  const Question q = question_over_two_hosts(20);
  const Recommendation found = recommend(q, machine, kSilent);
  EXPECT_EQ(chosen(found).hosts, 0);
  EXPECT_THAT(text(q, found), testing::HasSubstr("leaving the machine does not pay"));
}

TEST(Recommend, WithoutHostsNothingIsSaidOfLeaving) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = kMs}, 0);
  const Recommendation found = recommend(question(20), machine, kSilent);
  EXPECT_FALSE(leaving(question(20), found));
  EXPECT_THAT(text(question(20), found), testing::Not(testing::HasSubstr("leaving")));
  EXPECT_THAT(json(question(20), found), testing::Not(testing::HasSubstr("leaving")));
}

TEST(Recommend, LeavingIsPredictedWhereOneSideWasNotRun) {
  const Question q = question_over_two_hosts(60);
  const Choice here{Pool::thread, 2};
  const Choice away{Pool::remote, 4, model::Strategy::none, 0, 2};
  Recommendation found;
  found.curve = {{away, 310 * kMs}, {here, 620 * kMs}};
  found.profile.hop = {.latency_ns = 100'000, .request_ns = 10'000};
  found.measured = {testing_recommend::measured(away, {300 * kMs})};
  const std::optional<Leaving> leaves = leaving(q, found);
  ASSERT_TRUE(leaves);
  EXPECT_TRUE(leaves->is_predicted);
  EXPECT_DOUBLE_EQ(leaves->ratio.estimate, 0.5);
  EXPECT_THAT(leaving_text(*leaves), testing::AllOf(testing::HasSubstr("pays"), testing::HasSubstr("predicted")));
}

TEST(Recommend, HostsThatDoNotAnswerEndItWithTheirWords) {
  ModelMachine machine({.wait_ns = kMs}, 0);
  machine.failure = "no agent at a";
  try {
    recommend(question_over_two_hosts(10), machine, kSilent);
    FAIL() << "a failure went unnoticed";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("remote:a"), testing::HasSubstr("no agent at a")));
  }
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
