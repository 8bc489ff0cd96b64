// What a recommendation keeps in a directory, and that it goes on from there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/machine/environment.h"
#include "harness/recommend/records.h"
#include "harness/sweep/sinks/context.h"
#include "harness/tests/recommend/known_numbers.h"

namespace harness::recommend {
namespace {

using testing_recommend::chosen;
using testing_recommend::kSilent;
using testing_recommend::ModelMachine;
using testing_recommend::profile_with;
using testing_recommend::question;

class RecommendRecords : public testing::Test {
 protected:
  ~RecommendRecords() override { std::filesystem::remove_all(directory_); }
  Records records(const std::string& asked = R"({"work": "something"})", bool fresh = false) {
    return Records({.directory = directory_ / "out",
                    .arguments = {"poolbench", "recommend"},
                    .environment = environment_,
                    .question = asked,
                    .fresh = fresh});
  }
  std::filesystem::path directory_ = [] {
    std::string path = (std::filesystem::temp_directory_path() / "poolbench-records-XXXXXX").string();
    return std::filesystem::path(::mkdtemp(path.data()));
  }();
  Environment environment_ = read_environment();
};

TEST_F(RecommendRecords, AnInterruptedRunGoesOnWhereItStoppedAndAnswersTheSame) {
  const Question q = question(60);
  ModelMachine through({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  const Recommendation whole = recommend(q, through, kSilent);

  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  machine.stop_after = through.runs / 2;
  {
    Records kept = records();
    EXPECT_THROW(recommend(q, machine, kSilent, &kept), Interrupted);
  }
  machine.stop_after = -1;
  Records kept = records();
  const Recommendation found = recommend(q, machine, kSilent, &kept);
  EXPECT_EQ(machine.runs, through.runs) << "nothing was run twice";
  EXPECT_EQ(chosen(found), chosen(whole));
  EXPECT_EQ(found.rounds, whole.rounds);
  EXPECT_TRUE(std::filesystem::exists(directory_ / "out" / "derived" / "curve.csv"));
}

TEST_F(RecommendRecords, ACompleteOneIsReadAndNothingIsRun) {
  const Question q = question(60);
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  std::string first;
  {
    Records kept = records();
    first = json(q, recommend(q, machine, kSilent, &kept));
  }
  const int runs = machine.runs;
  Records kept = records();
  EXPECT_EQ(json(q, recommend(q, machine, kSilent, &kept)), first);
  EXPECT_EQ(machine.runs, runs);
}

TEST_F(RecommendRecords, RunsOfThePrintedProgramAreKeptAndThoseOfAnotherAreNone) {
  Question q = question(60);
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  int runs = 0;
  q.python = PythonQuestion{.work = {.function = "crawler:fetch"},
                            .seen = {.profile = profile_with(9 * kMs, 1 * kMs)},
                            .interpreter = "cpython 3.11"};
  q.python->run_program = [&](const std::string&, std::chrono::nanoseconds) { return ++runs * kMs; };
  std::string first;
  {
    Records kept = records();
    first = json(q, recommend(q, machine, kSilent, &kept));
  }
  EXPECT_EQ(runs, 5);
  Records kept = records();
  EXPECT_EQ(json(q, recommend(q, machine, kSilent, &kept)), first);
  EXPECT_EQ(runs, 5) << "they were run again";
  kept.keep_program("another", {{1, 2}, {}});
  EXPECT_EQ(kept.program_runs("another").main_ns, (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(kept.program_runs("a third").main_ns.empty());
}

TEST_F(RecommendRecords, AnAnswerGivenAgainSaysThatThePrintedProgramFailed) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  Question q = question(4);
  int runs = 0;
  q.python = PythonQuestion{.work = {.function = "crawler:fetch", .inputs_file = "urls.txt"},
                            .seen = {.profile = profile_with(9 * kMs, 1 * kMs)},
                            .interpreter = "cpython 3.11"};
  q.python->run_program = [&](const std::string&, std::chrono::nanoseconds) -> std::int64_t {
    if (++runs == 1) return kMs;
    throw ConfigError("it ended with status 1: no luck");
  };
  std::string first;
  {
    Records kept = records();
    first = json(q, recommend(q, machine, kSilent, &kept));
  }
  EXPECT_NE(first.find("was run, and failed: it ended with status 1: no luck"), std::string::npos) << first;
  Records kept = records();
  EXPECT_EQ(json(q, recommend(q, machine, kSilent, &kept)), first);
  EXPECT_EQ(runs, 2) << "it was run again";
}

TEST_F(RecommendRecords, AnotherQuestionPutsTheOldDirectoryAway) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  {
    Records kept = records();
    recommend(question(20), machine, kSilent, &kept);
  }
  testing::internal::CaptureStderr();
  Records kept = records(R"({"work": "something else"})");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("out.old-1"));
  EXPECT_FALSE(kept.complete());
  EXPECT_TRUE(std::filesystem::exists(directory_ / "out.old-1" / "recommendation.json"));
}

TEST_F(RecommendRecords, ARunOverHostsGoesOnWithTheWayThatWasMeasured) {
  Question q = question(60);
  q.over_hosts = {"remote:a", "remote:a,b"};
  ModelMachine machine({.wait_ns = 0, .compute_ns = 20 * kMs}, 0);
  machine.hop = {.latency_ns = 100'000, .request_ns = 10'000};
  std::string first;
  {
    Records kept = records();
    first = json(q, recommend(q, machine, kSilent, &kept));
    ASSERT_TRUE(kept.first_runs());
    EXPECT_EQ(kept.first_runs()->profile.hop.latency_ns, 100'000);
  }
  machine.hop = {.latency_ns = kMs, .request_ns = kMs};
  const int runs = machine.runs;
  Records kept = records();
  const Recommendation found = recommend(q, machine, kSilent, &kept);
  EXPECT_EQ(json(q, found), first);
  EXPECT_EQ(machine.runs, runs);
  EXPECT_THAT(curve_csv(found), testing::HasSubstr("\nremote,4,none,0,2,60,"));
  const std::vector<Context> contexts = read_contexts(directory_ / "out");
  ASSERT_EQ(contexts.size(), 1U);
  EXPECT_EQ(contexts.front().calibration.hops.at("remote:a").latency_ns, 100'000);
  EXPECT_TRUE(contexts.front().clocks.contains("remote:a"));
}

TEST_F(RecommendRecords, ItsCurveHasEveryPointAndOneChoice) {
  ModelMachine machine({.wait_ns = 9 * kMs, .compute_ns = 1 * kMs}, 0);
  const Recommendation found = recommend(question(20), machine, kSilent);
  const std::string csv = curve_csv(found);
  EXPECT_GT(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')), found.curve.size());
  std::size_t chosen_lines = 0;
  for (std::size_t at = csv.find(",1\n"); at != std::string::npos; at = csv.find(",1\n", at + 1)) ++chosen_lines;
  EXPECT_EQ(chosen_lines, 1U);
}

}  // namespace
}  // namespace harness::recommend
