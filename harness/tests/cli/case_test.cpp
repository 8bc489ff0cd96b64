// `poolbench case`, with real repetitions: what it prints, not how fast it was.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/cli/cli.h"

namespace harness {
namespace {

TEST(Case, prints_its_repetitions_beside_the_prediction) {
  for (const std::string backend : {"thread", "process"}) {
    std::vector<std::string> arguments = {"poolbench",   "case", "--backend",  backend, "--workers", "2", "--tasks", "3x2ms",
                                          "--callbacks", "1ms",  "--strategy", "main",  "-r",        "3", "--json"};
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    testing::internal::CaptureStdout();
    const int exit_code = run_cli(static_cast<int>(arguments.size()), argv.data());
    const auto document = nlohmann::json::parse(testing::internal::GetCapturedStdout());
    EXPECT_EQ(exit_code, kExitOk);
    EXPECT_EQ(document["predicted_makespan_ns"], 5'000'000);
    ASSERT_EQ(document["samples"].size(), 3U);
    std::vector<std::int64_t> makespans;
    for (const auto& sample : document["samples"]) {
      EXPECT_EQ(sample["status"], "ok");
      makespans.push_back(sample["makespan_ns"]);
      EXPECT_GE(makespans.back(), 5'000'000);  // sleeps are never early
      ASSERT_EQ(sample["tasks"].size(), 3U);
      std::int64_t last = 0;
      for (const auto& task : sample["tasks"]) {
        EXPECT_GE(task["start_ns"], 0);
        EXPECT_GE(task["finish_ns"].get<std::int64_t>(), task["start_ns"].get<std::int64_t>() + 2'000'000);
        EXPECT_GE(task["callback_start_ns"], task["finish_ns"]);
        last = std::max(last, task["callback_finish_ns"].get<std::int64_t>());
      }
      EXPECT_EQ(last, makespans.back());
    }
    std::sort(makespans.begin(), makespans.end());
    EXPECT_EQ(document["median_makespan_ns"], makespans[1]);
  }
}

}  // namespace
}  // namespace harness
