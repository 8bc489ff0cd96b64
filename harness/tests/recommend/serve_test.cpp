// Sizing for clients who come at a rate, with a runner that computes instead of measuring.

#include "harness/recommend/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/core/sojourns.h"
#include "harness/machine/environment.h"
#include "harness/recommend/records.h"
#include "harness/recommend/visits.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_recommend::kSilent;
using testing_recommend::ModelMachine;
using testing_recommend::profile_with;
using testing_recommend::question;

Objective at(const std::string& rate, const std::vector<std::string>& bounds) { return objective_of(rate, bounds, "poisson"); }

const ServedSize* measured_with(const Serving& found, int workers) {
  for (const ServedSize& size : found.measured) {
    if (size.choice.workers == workers) return &size;
  }
  return nullptr;
}

TEST(Objective, IsARateAndBoundsInTheOrderOfTheirPercentiles) {
  const Objective objective = at("18000/min", {"p99=200ms", "p50=30ms"});
  EXPECT_DOUBLE_EQ(objective.rate_per_s, 300);
  ASSERT_EQ(objective.bounds.size(), 2U);
  EXPECT_EQ(objective.bounds.front().of().name, "p50");
  EXPECT_EQ(objective.bounds.back().most_ns, 200 * kMs);
  EXPECT_EQ(bounds_text(objective), "p50 <= 30.0 ms, p99 <= 200 ms");
  EXPECT_EQ(arrivals_at(objective, 300), "poisson:300.000000/s");
  PercentileTimes times{};
  times[0] = 24 * kMs;   // p50
  times[3] = 100 * kMs;  // p99
  EXPECT_DOUBLE_EQ(worst_share(objective, times), 0.8);
  EXPECT_EQ(tightest_bound(objective, times).of().name, "p50");
}

TEST(Objective, PercentilesAreByNearestRank) {
  std::vector<std::int64_t> values;
  for (std::int64_t value = 1000; value >= 1; --value) values.push_back(value);
  EXPECT_EQ(percentile_times(values), (PercentileTimes{500, 900, 950, 990, 999}));
}

// Offered are 6 workers' work: 6 cannot hold it, 7 can.
TEST(Serve, FindsTheLeastSizeThatKeepsTheBoundAndShowsThatOneFewerDoesNot) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Objective objective = at("300/s", {"p99=150ms"});
  const Serving found = serve(question(200), objective, machine, kSilent);
  EXPECT_TRUE(found.kept && found.sure);
  EXPECT_EQ(found.chosen.choice, (Choice{Pool::thread, 7, model::Strategy::none, 0}));
  EXPECT_EQ(found.minimum_workers, 7);
  EXPECT_TRUE(found.minimum_known);
  for (const int workers : {6, 7, 8}) ASSERT_NE(measured_with(found, workers), nullptr) << workers;
  EXPECT_EQ(measured_with(found, 6)->verdict(objective, 300), Verdict::fails);
  const ServedSize& size = *measured_with(found, 7);
  EXPECT_EQ(size.verdict(objective, 350), Verdict::meets);
  EXPECT_EQ(size.predicted_ns(3), size.quantile(3).value) << "the machine is the model, and the clients are the same";
  EXPECT_EQ(size.arrived, size.runs * found.clients);
  EXPECT_EQ(static_cast<std::int64_t>(size.counted.size()), size.arrived - size.runs * (found.clients / 10));
}

TEST(Serve, EachRoundHasClientsOfItsOwnAndAllSizesTheSame) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Serving found = serve(question(200), at("300/s", {"p99=150ms"}), machine, kSilent);
  ASSERT_GE(found.rounds, 2);
  std::map<int, std::set<std::uint64_t>> seeds;  // by size, of those at the rate
  for (const Factors& factors : machine.arriving) {
    if (factors.arrivals == "poisson:300/s") seeds[factors.workers].insert(factors.seed);
  }
  EXPECT_EQ(static_cast<int>(seeds[7].size()), found.rounds);
  EXPECT_EQ(seeds[6], seeds[7]);
}

TEST(Serve, SaysUpToWhichRateItHoldsAndWhatBinds) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Question q = question(200);
  const Objective objective = at("300/s", {"p99=150ms"});
  const Serving found = serve(q, objective, machine, kSilent);
  ASSERT_TRUE(found.holds_up_to_per_s);
  EXPECT_GE(*found.holds_up_to_per_s, 300);
  EXPECT_LT(*found.holds_up_to_per_s, 350);
  EXPECT_GT(found.passes_ns[3], 150 * kMs);
  EXPECT_EQ(found.binds, "workers");
  ASSERT_EQ(found.beyond.size(), 3U) << "block, reject, caller_runs";
  ASSERT_TRUE(found.beyond[1].run.has_value());
  const ServedSize& full = *found.beyond[1].run;
  EXPECT_GT(full.rejected, 0);
  EXPECT_EQ(full.rejected, full.modelled_rejected) << "the machine is the model";
  EXPECT_EQ(full.predicted_ns(3), full.quantile(3).value);
  EXPECT_LT(full.quantile(3).value, (150 + 20) * kMs)
      << "who is admitted is served within the bound, but for workers that are in step";
  EXPECT_THAT(text(q, objective, found),
              AllOf(HasSubstr("use          thread pool, 7 workers"), HasSubstr("minimum      7 workers; with 6:"),
                    HasSubstr("holds up to  3"), HasSubstr("reject, a queue of"), Not(HasSubstr("process"))));
  EXPECT_THAT(json(q, objective, found),
              AllOf(HasSubstr("\"minimum_workers\": 7"), HasSubstr("\"binds\": \"workers\""),
                    HasSubstr("\"holds_up_to_per_s\": 3"), HasSubstr("\"sojourn_ns\""), HasSubstr("\"predicted_rejected\": ")));
  EXPECT_THAT(markdown(q, objective, found),
              AllOf(HasSubstr("| **thread pool, 7 workers** | p99 |"), HasSubstr("* minimum: 7 workers")));
}

Question question_about_python() {
  Question q = question(200);
  q.title = "crawler:fetch";
  q.workload = "python:crawler:fetch";
  q.python = PythonQuestion{.work = {.function = "crawler:fetch", .paths = {""}, .range = "1..9"},
                            .seen = {.profile = profile_with(20 * kMs, 0)},
                            .interpreter = "cpython 3.11"};
  return q;
}

TEST(Serve, OfAPythonFunctionItIsOnCPythonsExecutorsWhoseQueuesHaveNoBound) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Objective objective = at("300/s", {"p99=150ms"});
  const Question q = question_about_python();
  const Serving found = serve(q, objective, machine, kSilent);
  EXPECT_TRUE(found.kept);
  EXPECT_EQ(found.chosen.choice, (Choice{Pool::thread, 7, model::Strategy::none, 0}));
  EXPECT_TRUE(found.beyond.empty());
  ASSERT_FALSE(machine.arriving.empty());
  for (const Factors& factors : machine.arriving) EXPECT_EQ(factors.backend, "cpython_thread");
  EXPECT_THAT(text(q, objective, found),
              AllOf(HasSubstr("executor     ThreadPoolExecutor(max_workers=7)"),
                    HasSubstr("the pool stands when the clients come"), HasSubstr("turn clients away before you submit"),
                    Not(HasSubstr("is part of all times"))));
  EXPECT_THAT(json(q, objective, found),
              AllOf(HasSubstr("\"backend\": \"cpython_thread\""), HasSubstr("\"executor\": \"ThreadPool")));
}

TEST(Serve, OfAnAsynchronousFunctionTheLoopWithTheFewestInFlightIsCheapest) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  Question q = question_about_python();
  q.pools = {Pool::thread, Pool::loop};
  q.python->seen.is_async = true;
  const Serving found = serve(q, at("300/s", {"p99=150ms"}), machine, kSilent);
  EXPECT_EQ(found.chosen.choice, (Choice{Pool::loop, 7, model::Strategy::none, 0}));
  ASSERT_FALSE(machine.arriving.empty());
  EXPECT_EQ(machine.arriving.front().backend, "cpython_asyncio");
  EXPECT_EQ(machine.arriving.front().workers, 1);
  EXPECT_THAT(serving_reason(found), AllOf(HasSubstr("in flight: 350/s at most"), HasSubstr("more of them would do more")));
}

TEST(Serve, ATighterBoundTakesMoreWorkers) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Serving found = serve(question(200), at("300/s", {"p50=1s", "p999=30ms"}), machine, kSilent);
  EXPECT_TRUE(found.kept);
  EXPECT_GT(found.chosen.choice.workers, 9);
}

TEST(Serve, TakesProcessesWhereThreadsShareALockThatCannotServeTheRate) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 5 * kMs}, 1);
  const Serving found = serve(question(200), at("260/s", {"p99=100ms"}), machine, kSilent);
  EXPECT_TRUE(found.kept);
  EXPECT_EQ(found.chosen.choice.pool, Pool::process);
  EXPECT_GE(found.chosen.choice.workers, 2);
}

TEST(Serve, WhereNothingKeepsTheBoundItSaysWhatCanBeServed) {
  ModelMachine machine({.wait_ns = 0, .compute_ns = 10 * kMs}, 0);
  const Question q = question(200);
  const Objective objective = at("300/s", {"p99=100ms"});
  const Serving found = serve(q, objective, machine, kSilent);
  EXPECT_FALSE(found.kept);
  ASSERT_TRUE(found.holds_up_to_per_s);
  EXPECT_LT(*found.holds_up_to_per_s, 200) << "two cores";
  EXPECT_GT(*found.holds_up_to_per_s, 120);
  EXPECT_THAT(text(q, objective, found),
              AllOf(HasSubstr("nothing with up to 64 workers keeps p99 <= 100 ms at 300/s"), HasSubstr("200/s at most")));
  EXPECT_THAT(json(q, objective, found), AllOf(HasSubstr("\"kept\": false"), HasSubstr("\"minimum_workers\": null")));
}

TEST(Serve, NoRateKeepsABoundBelowTheTaskItself) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  const Objective objective = at("10/s", {"p50=10ms"});
  const Serving found = serve(question(200), objective, machine, kSilent);
  EXPECT_FALSE(found.kept);
  EXPECT_FALSE(found.holds_up_to_per_s);
  EXPECT_EQ(found.binds, "the task itself");
  EXPECT_TRUE(found.beyond.empty());
  EXPECT_THAT(text(question(200), objective, found), HasSubstr("holds up to  no rate"));
}

TEST(Serve, AMachineThatDoesLessThanTheModelSaysKeepsNothing) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  machine.slower_ns = 200 * kMs;
  const Question q = question(200);
  const Objective objective = at("300/s", {"p99=150ms"});
  const Serving found = serve(q, objective, machine, kSilent);
  EXPECT_FALSE(found.kept);
  EXPECT_FALSE(found.holds_up_to_per_s);
  EXPECT_EQ(found.measured.back().choice.workers, 64) << "larger ones were tried, up to the largest";
  EXPECT_THAT(found.notes, testing::Contains(HasSubstr("no run did")));
  EXPECT_THAT(text(q, objective, found), HasSubstr("holds up to  no rate that was run"));
}

TEST(Serve, ALateGeneratorIsNoFailureOfTheSizeAndIsSaid) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  machine.failure_of_arrivals = std::string(kReleasedLate) + ": 1 % of them more than 3 ms";
  const Serving found = serve(question(200), at("300/s", {"p99=150ms"}), machine, kSilent);
  EXPECT_TRUE(found.kept);
  EXPECT_FALSE(found.sure);
  EXPECT_TRUE(found.measured.empty());
  EXPECT_THAT(found.notes, testing::Contains(HasSubstr("no run counts: tasks were released too late")));
}

TEST(Serve, ATaskThatFailsIsAnError) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  machine.failure_of_arrivals = "'curl' exited with status 7";
  EXPECT_THROW(serve(question(200), at("300/s", {"p99=150ms"}), machine, kSilent), ConfigError);
}

TEST(Serve, RefusesARateAtWhichTooFewClientsCome) {
  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  EXPECT_THROW(serve(question(200), at("6/min", {"p99=150ms"}), machine, kSilent), ConfigError);
  EXPECT_EQ(machine.runs, 0);
}

TEST(Service, LimitsAreThoseOfTheServers) {
  const Profile profile = profile_with(20 * kMs, 0);
  const Batch batch{.tasks = 10, .callback = {.wait_ns = 5 * kMs}};
  const model::Limit limit = binding_limit(profile, batch, {Pool::thread, 8, model::Strategy::main, 0});
  EXPECT_EQ(limit.server, "callback thread");
  EXPECT_DOUBLE_EQ(limit.per_s, 200);
  EXPECT_EQ(binding_limit(profile, batch, {Pool::thread, 5, model::Strategy::worker, 0}).server, "workers");
}

TEST(Service, ParsersKeepUpWithTheRate) {
  const Batch batch{.tasks = 10, .callback = {.wait_ns = 5 * kMs}};
  for (const Choice& way : ways_on(Pool::thread, batch, 1000)) {
    EXPECT_EQ(way.parsers, way.strategy == model::Strategy::extra ? 6 : 0);  // 5 busy, nine tenths of the time
  }
  EXPECT_EQ(ways_on(Pool::thread, {}, 1000).size(), 1U);
  Batch python = batch;
  python.python = true;
  for (const Pool pool : {Pool::thread, Pool::loop, Pool::process}) {
    for (const Choice& way : ways_on(pool, python, 1000)) {
      EXPECT_NE(way.strategy, model::Strategy::collect) << "who collects has released the last client before";
      EXPECT_NE(way.strategy, model::Strategy::map);
      EXPECT_NE(way.strategy, model::Strategy::as_completed);
    }
  }
}

TEST(Service, AQueueIsAsLongAsTheBoundAllows) {
  const Profile profile = profile_with(20 * kMs, 0);
  const Objective objective = at("300/s", {"p99=120ms"});
  const auto all = beyond_capacity(profile, {.tasks = 10}, {Pool::thread, 8, model::Strategy::none, 0}, objective);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].queue, 39) << "(39 + 1) / 400 per s = 100 ms, and 20 ms of service";
  EXPECT_NEAR(all[1].rejected_share, 1 - 1 / 1.2, 1e-9);
  EXPECT_NEAR(all[0].late_per_s, 0.2, 1e-9);
  EXPECT_NEAR(all[2].late_per_s, 480.0 / 450 - 1, 1e-9) << "a ninth worker";
  EXPECT_EQ(beyond_capacity(profile, {.tasks = 10}, {Pool::process, 8, model::Strategy::none, 0}, objective).size(), 2U);
}

class ServeRecords : public testing::Test {
 protected:
  ~ServeRecords() override { std::filesystem::remove_all(directory_); }
  Records records() {
    return Records({.directory = directory_ / "out",
                    .arguments = {"poolbench", "recommend"},
                    .environment = environment_,
                    .question = R"({"work": "something"})",
                    .fresh = false});
  }
  std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-serve-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
  Environment environment_ = read_environment();
};

TEST_F(ServeRecords, AnInterruptedRunGoesOnAndAnAnswerIsGivenAgain) {
  const Question q = question(200);
  const Objective objective = at("300/s", {"p99=150ms"});
  ModelMachine through({.wait_ns = 20 * kMs}, 0);
  const Serving whole = serve(q, objective, through, kSilent);

  ModelMachine machine({.wait_ns = 20 * kMs}, 0);
  machine.stop_after = through.runs - 3;  // among those under arrivals
  {
    Records kept = records();
    EXPECT_THROW(serve(q, objective, machine, kSilent, &kept), Interrupted);
  }
  machine.stop_after = -1;
  std::string answer;
  {
    Records kept = records();
    const Serving found = serve(q, objective, machine, kSilent, &kept);
    EXPECT_EQ(machine.runs, through.runs) << "nothing was run twice";
    EXPECT_EQ(found.chosen.choice, whole.chosen.choice);
    EXPECT_EQ(found.rounds, whole.rounds);
    answer = json(q, objective, found);
  }
  Records kept = records();
  EXPECT_EQ(json(q, objective, serve(q, objective, machine, kSilent, &kept)), answer);
  EXPECT_EQ(machine.runs, through.runs);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / "sojourns"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / "derived" / "service.csv"));
}

}  // namespace
}  // namespace harness::recommend
