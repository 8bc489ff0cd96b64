// `poolbench case`, with real repetitions: what it prints, not how fast it was.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/cli/case_options.h"
#include "harness/cli/cli.h"
#include "harness/plan/arrivals.h"

namespace harness {
namespace {

using testing::HasSubstr;

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

TEST(Case, runs_work_of_one_s_own_once_per_input_and_predicts_nothing) {
  std::vector<std::string> arguments = {"poolbench",
                                        "case",
                                        "--backend",
                                        "process",
                                        "--workers",
                                        "2",
                                        "--strategy",
                                        "main",
                                        "--workload",
                                        "command:echo {}",
                                        "--callback-workload",
                                        "command:grep -qx {}",
                                        "--inputs",
                                        "11..13",
                                        "-r",
                                        "2",
                                        "--json"};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_cli(static_cast<int>(arguments.size()), argv.data()), kExitOk);
  const auto document = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(document["case"]["workload"], "command:echo {}");
  EXPECT_EQ(document["predicted_makespan_ns"], nullptr);
  EXPECT_EQ(document["formula"], nullptr);
  ASSERT_EQ(document["samples"].size(), 2U);
  for (const auto& sample : document["samples"]) {
    EXPECT_EQ(sample["status"], "ok") << sample;
    EXPECT_EQ(sample["tasks"].size(), 3U);
  }
}

std::string refusal_of_case(const CaseOptions& options) {
  try {
    cell_of(options, 2);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "was accepted";
}

TEST(Case, of_work_of_one_s_own_refuses_what_has_no_meaning) {
  CaseOptions good;
  good.backend = "thread";
  good.workers = "2";
  good.strategy = "none";
  good.workload = "command:echo {}";
  good.inputs = "1..3";
  EXPECT_EQ(cell_of(good, 2).tasks, 3);
  const auto with = [&good](auto change) {
    CaseOptions options = good;
    change(options);
    return refusal_of_case(options);
  };
  EXPECT_THAT(with([](CaseOptions& o) { o.inputs.clear(); }), HasSubstr("--inputs is missing"));
  EXPECT_THAT(with([](CaseOptions& o) { o.tasks = "1s"; }), HasSubstr("--tasks does not apply"));
  EXPECT_THAT(with([](CaseOptions& o) { o.workload = "sleep"; }), HasSubstr("--workload 'sleep' is no work of your own"));
  EXPECT_THAT(with([](CaseOptions& o) { o.workload = "command:echo"; }), HasSubstr("has no {}"));
  EXPECT_THAT(with([](CaseOptions& o) { o.callback_workload = "command:cat"; }), HasSubstr("strategy none: it has no callbacks"));
  EXPECT_THAT(with([](CaseOptions& o) { o.strategy = "main", o.callback_workload = "cat"; }),
              HasSubstr("is no work of your own"));
  EXPECT_THAT(with([](CaseOptions& o) { o.workload.clear(); }), HasSubstr("give --workload as well"));
  EXPECT_THAT(with([](CaseOptions& o) { o.workload.clear(), o.inputs.clear(); }), HasSubstr("--tasks is missing"));
}

TEST(Case, has_the_clients_that_predict_speaks_of) {
  CaseOptions options;
  options.backend = "thread";
  options.workers = "4";
  options.tasks = "50x10ms";
  options.strategy = "none";
  options.arrivals = "poisson:300/s";
  EXPECT_EQ(cell_of(options, 2).arrivals_ns, arrival_times("poisson:300/s", 50, 1));
  options.seed = "7";
  EXPECT_EQ(cell_of(options, 2).arrivals_ns, arrival_times("poisson:300/s", 50, 7));
  options.arrivals = "poisson:0.5*capacity";
  EXPECT_EQ(cell_of(options, 2).arrivals, "poisson:200/s");
  options.clients.queue = "3";
  EXPECT_EQ(cell_of(options, 2).when_full, "block");
  options.clients.when_full = "reject";
  EXPECT_EQ(cell_of(options, 2).when_full, "reject");
  EXPECT_EQ(cell_of(options, 2).deadline_ns, 0);
  options.clients.deadline = "200ms";
  EXPECT_EQ(cell_of(options, 2).deadline_ns, 200'000'000);
  options.backend = "thread_per_task";
  options.workers = "";
  EXPECT_EQ(cell_of(options, 2).workers, 50);  // as many as tasks, and not as none
}

TEST(Case, refuses_what_has_no_meaning_under_arrivals_or_without) {
  CaseOptions options;
  options.backend = "thread";
  options.workers = "1";
  options.tasks = "2x10ms";
  options.strategy = "none";
  CaseOptions wrong = options;
  wrong.clients.queue = "3";
  EXPECT_EQ(refusal_of_case(wrong),
            "--queue and --when-full do not apply: they are of tasks that come over time; give --arrivals as well");
  wrong.arrivals = "constant:10/s";
  wrong.clients.queue = "0";
  EXPECT_NE(refusal_of_case(wrong).find("'0'"), std::string::npos);
  wrong.clients.queue = "3";
  wrong.clients.when_full = "wait";
  EXPECT_EQ(refusal_of_case(wrong), "unknown --when-full 'wait'; allowed: block, reject, caller_runs");
  wrong.clients.queue.reset();
  wrong.clients.when_full = "block";
  EXPECT_EQ(refusal_of_case(wrong), "--when-full does not apply: without --queue no queue is ever full");
  wrong.clients = {};
  wrong.clients.deadline = "0s";
  EXPECT_EQ(refusal_of_case(wrong), "--deadline '0s': everybody is late; allowed: more than 0");
  wrong.arrivals.reset();
  EXPECT_EQ(refusal_of_case(wrong), "--deadline does not apply: it is of tasks that come over time; give --arrivals as well");
  wrong = options;
  wrong.seed = "3";
  EXPECT_NE(refusal_of_case(wrong).find("--seed does not apply"), std::string::npos);
  wrong.arrivals = "constant:10/s";
  wrong.strategy = "map";
  EXPECT_EQ(refusal_of_case(wrong), "--arrivals does not apply to strategy map: it is given all tasks at once");
}

}  // namespace
}  // namespace harness
