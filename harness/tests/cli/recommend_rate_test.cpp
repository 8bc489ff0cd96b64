// `poolbench recommend --rate --slo` with short real runs, and everything that can be wrong with its flags.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/tests/cli/recommend_fixture.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

using testing_cli::Invocation;

class CommandRecommendRate : public testing_cli::RecommendTest {
 protected:
  static std::string refused_for(const std::string& rate, const std::string& bound) {
    return refused({"--workload", "sleep", "--rate", rate, "--slo", bound});
  }

  std::string directory() const { return path_of("out"); }
};

TEST_F(CommandRecommendRate, SizesAWorkloadKeepsItsRunsAndAnswersTheSameFromThem) {
  const std::vector<std::string> flags{"--workload", "sleep",   "--task", "2ms",       "--rate",         "400/s",
                                       "--slo",      "p99=10s", "--slo",  "p50=5s",    "--max-workers",  "4",
                                       "--budget",   "3s",      "-o",     directory(), "--max-pressure", "100",
                                       "--json"};
  const Invocation first = recommend(flags);
  const auto document = nlohmann::json::parse(first.out);
  EXPECT_EQ(first.exit_code, document["kept"].get<bool>() ? kExitOk : kExitCheckFailed) << first.err;
  EXPECT_EQ(document["rate_per_s"], 400);
  EXPECT_EQ(document["slo_ns"]["p99"], 10'000'000'000);
  EXPECT_EQ(document["choice"]["backend"], "thread");
  EXPECT_GE(document["choice"]["workers"], 1);
  EXPECT_GE(document["curve"].size(), 2U);
  for (const char* key : {"sojourn_ns", "holds_up_to_per_s", "minimum_workers", "binds", "beyond"}) {
    EXPECT_TRUE(document.contains(key)) << key;
  }
  for (const auto& size : document["measured"]) EXPECT_GE(size["sojourn_ns"]["measured"]["p50"]["value"], 2'000'000);
  if (!document["measured"].empty()) {  // on a crowded machine the generator may be late each time
    EXPECT_EQ(testing_cli::poolbench({"show", directory()}).exit_code, kExitOk);
  }
  const auto again = nlohmann::json::parse(recommend(flags).out);
  EXPECT_EQ(again["choice"], document["choice"]);
  EXPECT_EQ(again["measured"], document["measured"]);
}

TEST_F(CommandRecommendRate, ABoundBelowTheTaskItselfIsExitCode1) {
  const Invocation ending = recommend({"--workload", "sleep", "--task", "5ms", "--rate", "400/s", "--slo", "p99=1ms", "--budget",
                                       "2s", "--max-workers", "4", "--max-pressure", "100"});
  EXPECT_EQ(ending.exit_code, kExitCheckFailed) << ending.err;
  EXPECT_THAT(ending.out, AllOf(HasSubstr("nothing with up to 4 workers keeps p99 <= 1.00 ms"), HasSubstr("no rate"),
                                HasSubstr("the task itself")));
}

TEST_F(CommandRecommendRate, TakesTheInputsOfACommandInTurns) {
  const Invocation ending =
      recommend({"--range", "1..3", "--rate", "40/s", "--slo", "p99=100s", "--arrivals", "constant", "--budget", "3s",
                 "--max-workers", "2", "--max-pressure", "100", "--json", "--", "true", "{}"});
  const auto document = nlohmann::json::parse(ending.out);
  EXPECT_EQ(document["work"], "true {}");
  EXPECT_EQ(document["arrivals"], "constant");
  EXPECT_EQ(document["clients"], 40) << "more than there are inputs";
}

TEST_F(CommandRecommendRate, RefusesWhatIsNoRate) {
  EXPECT_THAT(refused_for("0/s", "p99=1s"), AllOf(HasSubstr("--rate"), HasSubstr("'0/s'"), HasSubstr("300/s")));
  EXPECT_THAT(refused_for("-3/s", "p99=1s"), HasSubstr("-3"));
  EXPECT_THAT(refused_for("300", "p99=1s"), AllOf(HasSubstr("'300'"), HasSubstr("per ms, s, min or h")));
  EXPECT_THAT(refused_for("2000000/s", "p99=1s"), AllOf(HasSubstr("one thread can release"), HasSubstr("1000000/s")));
  EXPECT_THAT(refused_for("1/h", "p99=1s"), HasSubstr("too few clients"));
}

TEST_F(CommandRecommendRate, RefusesWhatIsNoBound) {
  EXPECT_THAT(refused_for("300/s", "200ms"), AllOf(HasSubstr("'200ms' is no bound of a percentile"), HasSubstr("p99=200ms")));
  EXPECT_THAT(refused_for("300/s", "p98=200ms"),
              AllOf(HasSubstr("unknown percentile 'p98'"), HasSubstr("p50, p90, p95, p99, p999")));
  EXPECT_THAT(refused_for("300/s", "p99=0ms"), HasSubstr("a bound of 0"));
  EXPECT_THAT(refused_for("300/s", "p99=-1ms"), HasSubstr("-1ms"));
  EXPECT_THAT(refused_for("300/s", "p99=soon"), HasSubstr("'soon'"));
  EXPECT_THAT(refused({"--workload", "sleep", "--rate", "300/s", "--slo", "p99=1s", "--slo", "p99=2s"}), HasSubstr("two bounds"));
}

TEST_F(CommandRecommendRate, RefusesOneWithoutTheOtherAndWhatDoesNotApply) {
  EXPECT_THAT(refused({"--workload", "sleep", "--slo", "p99=1s"}), HasSubstr("--rate"));
  EXPECT_THAT(refused({"--workload", "sleep", "--rate", "300/s"}), HasSubstr("--slo"));
  EXPECT_THAT(refused({"--workload", "sleep", "--arrivals", "constant"}), HasSubstr("--arrivals does not apply to a batch"));
  const std::vector<std::string> rated{"--rate", "300/s", "--slo", "p99=1s"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), rated.begin(), rated.end());
    return refused(more);
  };
  EXPECT_THAT(with({"--workload", "sleep", "--arrivals", "burst:3@1s"}), AllOf(HasSubstr("burst:3@1s"), HasSubstr("poisson")));
  EXPECT_THAT(with({"--python", "work:fetch", "--range", "1..3", "--interpreter", "a", "--interpreter", "b"}),
              HasSubstr("--interpreter more than once does not apply"));
  EXPECT_THAT(with({"--workload", "sleep", "--hosts", "a"}), HasSubstr("--hosts does not apply"));
  EXPECT_THAT(with({"--workload", "sleep", "--exhaustive"}), HasSubstr("--exhaustive does not apply"));
  EXPECT_THAT(with({"--workload", "sleep", "--tasks", "3"}), HasSubstr("--tasks does not apply"));
}

}  // namespace
}  // namespace harness
