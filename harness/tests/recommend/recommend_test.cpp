// What a recommendation is made of: the profile, the curve, the decision, with numbers that are known. The whole with a runner
// that computes instead of measuring.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/model/simulate.h"
#include "harness/recommend/recommend.h"

namespace harness::recommend {
namespace {

Trace trace_of(const std::vector<std::pair<std::int64_t, std::int64_t>>& wall_and_cpu) {
  Trace trace;
  std::int64_t now = 0;
  for (const auto& [wall, cpu] : wall_and_cpu) {
    trace.tasks.push_back({.submitted_ns = 0, .started_ns = now, .finished_ns = now + wall, .cpu_ns = cpu});
    now += wall;
  }
  return trace;
}

Profile profile_with(std::int64_t wait, std::int64_t compute, int cores = 2) {
  const Trace trace = trace_of({{wait + compute, compute}});
  return profile_of({&trace}, cores);
}

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

Measured run_of(int workers, std::vector<std::int64_t> makespans_ns) {
  return {.choice = {Pool::thread, workers, model::Strategy::none, 0}, .makespans_ns = std::move(makespans_ns)};
}

TEST(RecommendRegret, IsTheMedianRatioWithinARoundSoThatASlowMachineDoesNotCount) {
  // The machine is twice as slow in the last two rounds; the choice takes a tenth longer than 8 workers in every one.
  const std::vector<Measured> judged{run_of(8, {100, 100, 100, 200, 200}), run_of(2, {110, 110, 110, 220, 220}),
                                     run_of(4, {130, 130, 90, 260, 260})};
  const Regret regret = regret_of(judged[1].choice, judged);
  EXPECT_NEAR(regret.ratio, 0.1, 1e-6);
  EXPECT_NEAR(regret.low, 0.1, 1e-6);
  EXPECT_NEAR(regret.high, 0.1, 1e-6);
  EXPECT_EQ(regret.rival, 0U);
}

TEST(RecommendRegret, OfWhatNothingBeatsIsNone) {
  const std::vector<Measured> judged{run_of(8, {100, 100, 90}), run_of(2, {110, 110, 110})};
  const Regret regret = regret_of(judged[0].choice, judged);
  EXPECT_EQ(regret.ratio, 0);
  EXPECT_EQ(regret.rival, 0U);
}

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

// Two cores here and on each host; the way costs 100 us each way, and 10 us a task.
Profile profile_with_hosts(std::int64_t wait_ns, std::int64_t compute_ns) {
  Profile profile = profile_with(wait_ns, compute_ns);
  profile.hop = {.latency_ns = 100'000, .request_ns = 10'000};
  return profile;
}

TEST(RecommendCurve, OtherHostsAreTheChoiceWhereTheirCoresAreWorthTheWay) {
  const std::vector<Point> curve = predict_curve(profile_with_hosts(0, 20 * kMs), {.tasks = 60}, 64, 2);
  EXPECT_EQ(curve.front().choice.pool, Pool::remote);
  EXPECT_EQ(curve.front().choice.hosts, 2);
  EXPECT_LT(curve.front().predicted_ns, 310 * kMs);
  EXPECT_EQ(describe({Pool::remote, 4, model::Strategy::none, 0, 2}), "pool over 2 hosts, 4 workers");
  const std::vector<Point> short_tasks = predict_curve(profile_with_hosts(0, 1'000), {.tasks = 60}, 64, 2);
  EXPECT_EQ(short_tasks.front().choice.hosts, 0);
}

TEST(RecommendCurve, OverEachNumberOfHostsTheBestIsACandidate) {
  const Profile profile = profile_with_hosts(0, 20 * kMs);
  const std::vector<Choice> chosen = candidates(predict_curve(profile, {.tasks = 60}, 64, 3), profile, 8);
  for (const int hosts : {1, 2, 3}) EXPECT_THAT(chosen, testing::Contains(testing::Field(&Choice::hosts, hosts)));
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

Measured measured(Choice choice, std::vector<std::int64_t> makespans) {
  return {choice, 0, makespans, model::median(makespans), model::median_interval(makespans)};
}

TEST(RecommendDecision, TheCheapestWithinTwoPercentIsChosen) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {100, 101, 102}), measured({Pool::thread, 12}, {102, 103, 103}),
                                   measured({Pool::thread, 4}, {120, 121, 122})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 1U);
  EXPECT_THAT(decision.ties, testing::ElementsAre(0U));
}

TEST(RecommendDecision, WhatIsCheaperAndOnlyPerhapsAsFastIsATieAndNotTheChoice) {
  // 3 % slower, which no rank test can tell apart.
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1010, 1020, 1100, 1110}),
                                   measured({Pool::thread, 4}, {1005, 1015, 1050, 1105, 1115})};
  const Decision decision = decide(runs);
  EXPECT_EQ(decision.choice, 0U);
  EXPECT_THAT(decision.ties, testing::ElementsAre(1U));
}

TEST(RecommendDecision, WhatIsSlowerThanTwiceTheMarginIsNoTieWhateverARankTestSays) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1010, 1020, 1100, 1110}),
                                   measured({Pool::thread, 4}, {1005, 1015, 1065, 1105, 1115})};
  EXPECT_THAT(decide(runs).ties, testing::IsEmpty());
}

TEST(RecommendDecision, OfFewerThanFiveRepetitionsNoRankTestMakesATie) {
  const std::vector<Measured> runs{measured({Pool::process, 40}, {1000, 1010, 1020}),
                                   measured({Pool::thread, 4}, {1005, 1040, 1050})};
  EXPECT_THAT(decide(runs).ties, testing::IsEmpty());
}

TEST(RecommendDecision, ThreadsAreCheaperThanAsManyProcesses) {
  const std::vector<Measured> runs{measured({Pool::process, 4}, {100}), measured({Pool::thread, 4}, {101})};
  EXPECT_EQ(decide(runs).choice, 1U);
}

// Runs nothing: takes what a machine with these demands would take.
class ModelMachine final : public CellRunner {
 public:
  ModelMachine(model::Demand demand, double lock) : demand_(demand), lock_(lock) {}

  RepetitionResult run(const Cell& cell, std::chrono::nanoseconds) override {
    RepetitionResult result;
    if (!failure.empty()) {
      result.sample.status = "invalid";
      result.sample.error = failure;
      return result;
    }
    model::Case c;
    c.strategy = *model::find_strategy(cell.strategy);
    c.workers = cell.workers;
    c.cores = cell.cores;
    model::Demand demand = demand_;
    demand.locked = lock_ > 0 && cell.backend == "thread";
    c.tasks.assign(static_cast<std::size_t>(cell.tasks), demand);
    c.callbacks.resize(c.tasks.size());
    const model::Prediction prediction = model::simulate(c);
    Trace trace;
    for (const model::TaskTimes& times : prediction.tasks) {
      trace.tasks.push_back(
          {.submitted_ns = 0, .started_ns = times.start_ns, .finished_ns = times.finish_ns, .cpu_ns = demand.compute_ns});
    }
    result.sample.makespan_ns = prediction.makespan_ns;
    result.trace = trace;
    ++runs;
    return result;
  }
  std::string check_digests(const Cell&, std::chrono::nanoseconds) override { return {}; }
  void interrupt() noexcept override {}

  std::string failure;
  int runs = 0;

 private:
  const model::Demand demand_;
  const double lock_;
};

Question question(int tasks) {
  Question q;
  q.title = q.workload = "command";
  q.tasks = tasks;
  q.cores = 2;
  return q;
}

const Choice& chosen(const Recommendation& r) { return r.measured[r.choice].choice; }

TEST(Recommend, FindsTheKneeOfWorkThatWaitsMost) {
  ModelMachine machine({.wait_ns = 36 * kMs, .compute_ns = 4 * kMs}, 0);
  const Recommendation found = recommend(question(200), machine, [](const std::string&, double) {});
  EXPECT_EQ(chosen(found).pool, Pool::thread);
  const auto best = found.curve.front().predicted_ns;
  EXPECT_LE(static_cast<double>(found.measured[found.choice].median_ns), 1.05 * static_cast<double>(best));
  EXPECT_GT(found.rounds, 4);
}

TEST(Recommend, TakesProcessesWhereThreadsShareALock) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 1);
  const Recommendation found = recommend(question(40), machine, [](const std::string&, double) {});
  EXPECT_EQ(chosen(found), (Choice{Pool::process, 2, model::Strategy::none, 0}));
  EXPECT_DOUBLE_EQ(found.profile.thread.locked_share, 1);
}

TEST(Recommend, SeesALockThatOnlyManyThreadsMeetAt) {
  ModelMachine machine({.wait_ns = 18 * kMs, .compute_ns = 2 * kMs}, 1);
  const Recommendation found = recommend(question(200), machine, [](const std::string&, double) {});
  EXPECT_GT(found.profile.thread.locked_share, 0.9);
  EXPECT_EQ(chosen(found).pool, Pool::process);
}

TEST(Recommend, TakesThreadsAndOnePerCoreForPlainComputing) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
  const Recommendation found = recommend(question(40), machine, [](const std::string&, double) {});
  EXPECT_EQ(chosen(found), (Choice{Pool::thread, 2, model::Strategy::none, 0}));
  EXPECT_THAT(text(question(40), found),
              testing::AllOf(testing::HasSubstr("thread pool, 2 workers"), testing::HasSubstr("compute 100 %")));
}

TEST(Recommend, AnExhaustiveSweepGivesTheRegret) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(60);
  q.exhaustive = true;
  q.most_workers = 24;
  const Recommendation found = recommend(q, machine, [](const std::string&, double) {});
  EXPECT_GE(found.exhaustive.size(), found.curve.size());
  ASSERT_FALSE(found.judged.empty());
  EXPECT_LE(found.judged.size(), 5U);
  EXPECT_TRUE(
      std::any_of(found.judged.begin(), found.judged.end(), [&](const Measured& m) { return m.choice == chosen(found); }));
  for (const Measured& judged : found.judged) EXPECT_EQ(judged.makespans_ns.size(), 15U);
  EXPECT_GE(found.regret.ratio, 0);
  EXPECT_LE(found.regret.ratio, 0.05);
}

TEST(Recommend, AFailingTaskEndsItWithTheTasksOwnWords) {
  ModelMachine machine({.wait_ns = kMs}, 0);
  machine.failure = "'convert' exited with status 3 for the input 'a.png'";
  try {
    recommend(question(10), machine, [](const std::string&, double) {});
    FAIL() << "a failure went unnoticed";
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("exited with status 3 for the input 'a.png'"));
  }
}

}  // namespace
}  // namespace harness::recommend
