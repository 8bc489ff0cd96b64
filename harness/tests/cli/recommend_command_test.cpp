// `poolbench recommend` with real runs: a command, a function, and everything that can be wrong with them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/errors.h"
#include "harness/sweep/gate.h"
#include "harness/tests/cli/recommend_fixture.h"
#include "pools/cores.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

using testing_cli::Invocation;

class CommandRecommend : public testing_cli::RecommendTest {};

TEST_F(CommandRecommend, RunsACommandOverTheLinesOfAFileAndSaysWhatToUse) {
  const Invocation ending = recommend({"--inputs", file("inputs", "0.001\n\n0.002\n0.003\n"), "--budget", "2s", "--max-workers",
                                       "4", "--json", "--", "sleep", "{}"});
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  const auto document = nlohmann::json::parse(ending.out);
  EXPECT_EQ(document["work"], "sleep {}");
  EXPECT_EQ(document["tasks"], 3);
  EXPECT_GT(document["mean_wait_ns"], 1'000'000);
  EXPECT_GE(document["measured"].size(), 1U);  // how many more depends on what else this machine does
  for (const auto& measured : document["measured"]) {
    EXPECT_GT(measured["median_ns"], 3'000'000) << measured;  // the longest task
  }
  EXPECT_TRUE(document["choice"]["backend"] == "thread" || document["choice"]["backend"] == "process");
}

TEST_F(CommandRecommend, TheTextNamesTheChoiceTheReasonAndTheRulesOfThumb) {
  const Invocation ending =
      recommend({"--workload", "sleep", "--task", "2ms", "--tasks", "12", "--budget", "4s", "--max-workers", "12"});
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  EXPECT_THAT(ending.out, AllOf(HasSubstr("\nuse "), HasSubstr("\nwhy "), HasSubstr("cores*5"), HasSubstr("how sure")));
  for (std::size_t at = 0; at < ending.out.size();) {
    const std::size_t end = ending.out.find('\n', at);
    EXPECT_LE(end - at, 110U) << ending.out.substr(at, end - at);
    at = end + 1;
  }
}

TEST_F(CommandRecommend, CallsAFunctionOfASharedObject) {
  const Invocation ending =
      recommend({"--function", EXAMPLE_FUNCTION, "--range", "2000..2007", "--budget", "2s", "--max-workers", "4", "--json"});
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  const auto document = nlohmann::json::parse(ending.out);
  EXPECT_EQ(document["tasks"], 8);
  EXPECT_GT(document["mean_compute_ns"], 0);
}

TEST_F(CommandRecommend, GivesWhatACommandPrintsToTheCallbackAndNamesWhoRunsIt) {
  const std::string inputs = file("inputs", "one\ntwo\nthree\nfour\n");
  const std::vector<std::string> flags{"--inputs", inputs, "--budget", "2s", "--max-workers", "4", "--max-pressure", "100"};
  std::vector<std::string> asked = flags;
  asked.insert(asked.end(), {"--json", "--callback", "grep -qx 'got {}'", "--", "echo", "got {}"});
  const Invocation ending = recommend(asked);
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  const auto document = nlohmann::json::parse(ending.out);
  EXPECT_EQ(document["work"], "echo got {} and grep -qx 'got {}'");
  EXPECT_GT(document["callback_ns"], 0);
  EXPECT_NE(document["choice"]["strategy"], "none");
  EXPECT_EQ(document["callback_workload"], "command:grep -qx 'got {}'");
  EXPECT_THAT(document["snippet"]["code"].get<std::string>(), AllOf(HasSubstr("xargs"), HasSubstr("echo"), HasSubstr("grep")));

  std::vector<std::string> wrong = flags;
  wrong.insert(wrong.end(), {"--callback", "grep -qx other", "--", "echo", "{}"});
  EXPECT_THAT(refused(wrong), AllOf(HasSubstr("'grep' exited with status 1"), HasSubstr("input 'three'")));
}

TEST_F(CommandRecommend, CallsTheCallbackOfASharedObject) {
  const std::vector<std::string> flags{"--function", EXAMPLE_FUNCTION, "--range", "2000..2007", "--budget",
                                       "2s",         "--max-workers",  "4"};
  std::vector<std::string> asked = flags;
  asked.insert(asked.end(), {"--json", "--max-pressure", "100", "--callback", "poolbench_callback"});
  const Invocation ending = recommend(asked);
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  const auto document = nlohmann::json::parse(ending.out);
  EXPECT_NE(document["choice"]["strategy"], "none");
  EXPECT_EQ(document["snippet"]["language"], "cpp");
  EXPECT_THAT(document["snippet"]["code"].get<std::string>(), HasSubstr("poolbench_callback("));
  asked = flags;
  asked.insert(asked.end(), {"--callback", "no_such_entry"});
  EXPECT_THAT(refused(asked), HasSubstr("has no entry point no_such_entry(const char* input, const char* result, size_t size)"));
}

TEST_F(CommandRecommend, RefusesCallbacksThatAreNone) {
  const auto of_command = [this](const std::string& callback) {
    return refused({"--range", "1..4", "--callback", callback, "--", "true", "{}"});
  };
  EXPECT_THAT(of_command("no-such-program"), HasSubstr("cannot execute 'no-such-program'"));
  EXPECT_THAT(of_command("cat '"), HasSubstr("a quote, ', that does not end"));
  const auto of_function = [this](const std::string& callback) {
    return refused({"--range", "1..4", "--callback", callback, "--function", EXAMPLE_FUNCTION});
  };
  EXPECT_THAT(of_function("./other.so"), HasSubstr("'./other.so'"));
  EXPECT_THAT(of_function("a-b"), HasSubstr("names no function"));
}

TEST_F(CommandRecommend, AFunctionThatEndsItsProcessIsReportedWithItsInput) {
  for (const auto& [input, how] : std::initializer_list<std::pair<std::string, std::string>>{{"crash", "killed by signal 11"},
                                                                                             {"overflow", "killed by signal 11"},
                                                                                             {"abort", "killed by signal 6"},
                                                                                             {"exit", "exited with status 5"}}) {
    const std::string inputs = file("inputs", "fine\nfine too\n" + input + "\nnever reached\n");
    const std::string error = refused({"--function", BAD_OBJECT, "--inputs", inputs, "--budget", "5s"});
    EXPECT_THAT(error, AllOf(HasSubstr(how), HasSubstr("on a thread pool of 1"),
                             HasSubstr("it was working on the input '" + input + "'")));
  }
}

TEST_F(CommandRecommend, ACommandThatFailsEndsItWithItsStatusItsInputAndItsLastWords) {
  const std::string error = refused({"--range", "1..4", "--budget", "2s", "--", "ls", "/nonexistent/{}"});
  EXPECT_THAT(error, AllOf(HasSubstr("exited with status 2"), HasSubstr("input '3'"), HasSubstr("No such file")));
}

TEST_F(CommandRecommend, ACommandThatIsKilledEndsItWithTheSignal) {
  const std::string error = refused({"--range", "1..4", "--budget", "2s", "--", "sh", "-c", "kill -SEGV $$; echo {}"});
  EXPECT_THAT(error, HasSubstr("killed by signal 11"));
}

TEST_F(CommandRecommend, AFunctionThatFailsEndsItWithWhatItReturned) {
  EXPECT_THAT(refused({"--function", EXAMPLE_FUNCTION, "--inputs", file("inputs", "not a number\n"), "--budget", "2s"}),
              AllOf(HasSubstr("returned 1"), HasSubstr("not a number")));
}

TEST_F(CommandRecommend, RefusesWhatCannotBeRun) {
  EXPECT_THAT(refused({"--range", "1..4", "--", "no-such-program", "{}"}), HasSubstr("'no-such-program'"));
  EXPECT_THAT(refused({"--range", "1..4", "--", file("data", "x"), "{}"}), HasSubstr("not executable"));
  EXPECT_THAT(refused({"--range", "1..4", "--", "true"}), HasSubstr("{}"));
  EXPECT_THAT(refused({"--function", "/nonexistent.so", "--range", "1..4"}), HasSubstr("'/nonexistent.so'"));
  EXPECT_THAT(refused({"--function", file("text.so", "not an object"), "--range", "1..4", "--budget", "2s"}),
              HasSubstr("text.so"));
  EXPECT_THAT(refused({"--function", OTHER_OBJECT, "--range", "1..4", "--budget", "2s"}), HasSubstr("poolbench_task"));
}

TEST_F(CommandRecommend, RefusesMissingEmptyAndContradictoryInputs) {
  EXPECT_THAT(refused({"--", "true", "{}"}), AllOf(HasSubstr("--inputs"), HasSubstr("--range")));
  EXPECT_THAT(refused({"--inputs", file("empty", "\n\n"), "--", "true", "{}"}), HasSubstr("no inputs"));
  EXPECT_THAT(refused({"--inputs", "/nonexistent/inputs", "--", "true", "{}"}), HasSubstr("/nonexistent/inputs"));
  EXPECT_THAT(refused({"--range", "5..4", "--", "true", "{}"}), HasSubstr("5..4"));
  EXPECT_THAT(refused({"--range", "5", "--", "true", "{}"}), HasSubstr("FIRST..LAST"));
  EXPECT_THAT(refused({"--range", "1..4", "--inputs", "-", "--", "true", "{}"}), HasSubstr("exclude"));
}

// Threads that want a CPU all the time, while it lives.
class Load {
 public:
  Load() {
    for (int thread = 0; thread < 2 * pools::usable_cores().count + 2; ++thread) {
      threads_.emplace_back([this] {
        while (!over_.load(std::memory_order_relaxed)) {
        }
      });
    }
  }
  ~Load() {
    over_.store(true, std::memory_order_relaxed);
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> over_{false};  // set once
  std::vector<std::thread> threads_;
};

// A short one, of which nothing is expected; what is run under a sanitizer takes its time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr const char* kShortBudget = "10s";
#else
constexpr const char* kShortBudget = "3s";
#endif

TEST_F(CommandRecommend, OnALoadedMachineSaysThatItIsTooNoisyToTell) {
  if (!read_waiting().pressure_ns) GTEST_SKIP() << "the kernel has no pressure stall information";
  const Load load;
  const std::vector<std::string> flags{"--workload", "mixed:16", "--task", "2ms", "--tasks", "8", "--budget", kShortBudget};
  const Invocation ending = recommend(flags);
  ASSERT_EQ(ending.exit_code, kExitOk) << ending.err;
  EXPECT_THAT(ending.out, HasSubstr("too noisy to tell"));

  std::vector<std::string> strict = flags;
  strict.push_back("--strict");
  const Invocation refusal = recommend(strict);
  EXPECT_EQ(refusal.exit_code, kExitEnvironment);
  EXPECT_THAT(refusal.out, IsEmpty());
  EXPECT_THAT(refusal.err, HasSubstr("too noisy to recommend anything"));
}

TEST_F(CommandRecommend, KeepsItsRunsAndAnswersTheSameFromThem) {
  const std::string directory = file("out", "");
  std::filesystem::remove(directory);
  const std::vector<std::string> flags{"--workload", "sleep",   "--task",         "2ms", "--tasks", "8", "--budget", kShortBudget,
                                       "-o",         directory, "--max-pressure", "100", "--json"};
  const Invocation first = recommend(flags);
  ASSERT_EQ(first.exit_code, kExitOk) << first.err;
  for (const char* name : {"results.csv", "cells", "context", "question.json", "profile.json", "derived/curve.csv"}) {
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(directory) / name)) << name;
  }
  EXPECT_EQ(testing_cli::poolbench({"show", directory}).exit_code, kExitOk);
  const Invocation second = recommend(flags);
  EXPECT_EQ(nlohmann::json::parse(second.out)["choice"], nlohmann::json::parse(first.out)["choice"]);
  EXPECT_EQ(nlohmann::json::parse(second.out)["measured"], nlohmann::json::parse(first.out)["measured"]);
  EXPECT_THAT(refused({"--workload", "sleep", "--fresh"}), HasSubstr("-o"));
}

TEST_F(CommandRecommend, RefusesUnknownWorkloadsAndMoreThanOneForm) {
  EXPECT_THAT(refused({"--workload", "sleeep"}), AllOf(HasSubstr("'sleeep'"), HasSubstr("did you mean 'sleep'")));
  EXPECT_THAT(refused({}), HasSubstr("exactly one"));
  EXPECT_THAT(refused({"--workload", "sleep", "--range", "1..3", "--", "true", "{}"}), HasSubstr("exactly one"));
  EXPECT_THAT(refused({"--workload", "sleep", "--budget", "1ms"}), HasSubstr("1ms"));
  EXPECT_THAT(refused({"--workload", "sleep", "--hosts", "a,a"}), HasSubstr("'a,a' has a twice"));
  EXPECT_THAT(refused({"--python", "work:fetch", "--range", "1..4", "--hosts", "a"}),
              AllOf(HasSubstr("--hosts does not apply"), HasSubstr("Python")));
}

}  // namespace
}  // namespace harness
