// `poolbench predict --explain, --sweep, --parsers auto` and the flags of overheads and computation, through run_cli; and
// the text they are made of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/cli/cli.h"
#include "harness/cli/gantt.h"
#include "harness/model/simulate.h"
#include "harness/tests/cli/invocation.h"

namespace harness {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_cli::Invocation;
using testing_cli::poolbench;

std::vector<std::string> with(std::vector<std::string> base, const std::vector<std::string>& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

nlohmann::json document(const std::vector<std::string>& arguments) {
  const Invocation run = poolbench(with({"predict"}, with(arguments, {"--json"})));
  EXPECT_EQ(run.exit_code, kExitOk) << run.err;
  return nlohmann::json::parse(run.out, nullptr, false);
}

std::int64_t makespan_ms(const std::vector<std::string>& arguments) {
  return document(arguments)["makespan_ns"].get<std::int64_t>() / 1'000'000;
}

std::size_t widest(const std::string& text) {
  std::size_t widest = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, columns_of(line));
  return widest;
}

const std::vector<std::string> kRemedy = {"--backend", "process",     "--workers", "4",          "--tasks",
                                          "4x300ms",   "--callbacks", "60ms",      "--strategy", "extra"};

TEST(PredictExplain, names_the_term_and_walks_the_critical_path_to_the_makespan) {
  const Invocation run = poolbench(with({"predict"}, with(kRemedy, {"--parsers", "2", "--explain"})));
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(run.out, HasSubstr("= 420ms; the term that binds: j = 1"));
  EXPECT_THAT(run.out, HasSubstr("path      1 task 300 ms, 2 callbacks 120 ms"));
  EXPECT_THAT(run.out, HasSubstr("callback of task 3  parser 1  was busy with callback 1"));
  EXPECT_THAT(run.out, HasSubstr("\nworker 4      |4444"));
  EXPECT_LE(widest(run.out), 100U) << run.out;
}

TEST(PredictExplain, is_part_of_the_json_document_on_request_only) {
  const nlohmann::json plain = document(kRemedy);
  EXPECT_EQ(plain.size(), 4U);
  const nlohmann::json explained = document(with(kRemedy, {"--parsers", "2", "--explain"}));
  ASSERT_EQ(explained.size(), 5U);
  const nlohmann::json& explain = explained["explain"];
  EXPECT_EQ(explain["binding"], "j = 1");
  EXPECT_TRUE(explain["in_domain"].get<bool>());
  EXPECT_LE(explain["lower_bound_ns"], explained["makespan_ns"]);
  EXPECT_GE(explain["upper_bound_ns"], explained["makespan_ns"]);
  const nlohmann::json& path = explain["critical_path"];
  ASSERT_EQ(path.size(), 3U);
  EXPECT_EQ(path[0]["activity"], "task");
  EXPECT_EQ(path[0]["start_ns"], 0);
  EXPECT_EQ(path[2]["activity"], "callback");
  EXPECT_EQ(path[2]["finish_ns"], explained["makespan_ns"]);
  EXPECT_EQ(path[1]["finish_ns"], path[2]["start_ns"]);
}

TEST(PredictExplain, of_many_tasks_is_short_and_fits_a_hundred_columns) {
  for (const char* const strategy : {"main", "worker", "extra", "collect", "sync"}) {
    const Invocation run = poolbench({"predict", "--backend", "process", "--workers", "64", "--tasks", "5000x7ms,3s",
                                      "--callbacks", "1ms", "--strategy", strategy, "--explain", "--submit-cost", "3us"});
    EXPECT_EQ(run.exit_code, kExitOk) << run.err;
    EXPECT_LE(widest(run.out), 100U) << run.out;
    EXPECT_LT(std::count(run.out.begin(), run.out.end(), '\n'), 60) << run.out;
    EXPECT_THAT(run.out, HasSubstr("64 workers    |"));
  }
}

TEST(Predict, prints_the_ends_of_a_long_table) {
  const Invocation run =
      poolbench({"predict", "--backend", "thread", "--workers", "2", "--tasks", "1001x1ms", "--strategy", "none"});
  EXPECT_THAT(run.out, HasSubstr("961 more tasks"));
  EXPECT_THAT(run.out, HasSubstr("\n1001 "));
  EXPECT_THAT(run.out, Not(HasSubstr("\n  21 ")));
}

TEST(PredictParsersAuto, finds_the_fewest_that_reach_unlimited_ones) {
  const nlohmann::json remedy = document(with(kRemedy, {"--parsers", "auto"}));
  EXPECT_EQ(remedy["parsers"], 4);
  EXPECT_EQ(remedy["makespan_ns"], 360'000'000);
  const nlohmann::json spread = document({"--backend", "process", "--workers", "4", "--tasks", "100ms,200ms,300ms,400ms",
                                          "--callbacks", "100ms", "--strategy", "extra", "--parsers", "auto"});
  EXPECT_EQ(spread["parsers"], 1);
}

TEST(PredictOverheads, delay_where_they_are_serial) {
  const std::vector<std::string> base = {"--backend", "thread", "--workers", "2", "--tasks", "2x100ms", "--strategy", "none"};
  EXPECT_EQ(makespan_ms(base), 100);
  EXPECT_EQ(makespan_ms(with(base, {"--submit-cost", "10ms"})), 120);
  EXPECT_EQ(makespan_ms(with(base, {"--dispatch-cost", "10ms"})), 110);
  EXPECT_EQ(makespan_ms(with(kRemedy, {"--parsers", "4", "--routing-cost", "10ms"})), 400);
}

TEST(PredictComputation, shares_the_cores_and_the_lock) {
  const std::vector<std::string> spin = {"--tasks", "4x0s",       "--compute", "100ms",     "--cores",
                                         "2",       "--strategy", "none",      "--workers", "4"};
  const auto on = [&spin](const std::string& backend, const std::vector<std::string>& more) {
    return makespan_ms(with(with({"--backend", backend}, spin), more));
  };
  EXPECT_EQ(on("thread", {}), 200);
  EXPECT_EQ(on("process", {}), 200);
  EXPECT_EQ(on("thread", {"--gil"}), 400);
  EXPECT_EQ(on("process", {"--gil"}), 200);
  EXPECT_EQ(makespan_ms({"--backend", "thread", "--workers", "5", "--tasks", "5x80ms", "--compute", "20ms", "--cores", "5",
                         "--strategy", "none"}),
            100);
  // Callbacks of threads compute under the same lock.
  EXPECT_EQ(makespan_ms({"--backend", "thread", "--workers", "2", "--tasks", "2x10ms", "--callback-compute", "50ms", "--cores",
                         "2", "--gil", "--strategy", "worker"}),
            110);
}

TEST(PredictCoupled, starves_idle_workers_as_cpythons_process_pool_does) {
  const std::vector<std::string> base = {"--backend",    "process",     "--workers", "1",          "--tasks",
                                         "8x10ms,400ms", "--callbacks", "50ms",      "--strategy", "main"};
  EXPECT_EQ(makespan_ms(base), 530);
  EXPECT_EQ(makespan_ms(with(base, {"--coupled"})), 660);
}

TEST(PredictSweep, is_a_table_with_its_best_row) {
  const Invocation run =
      poolbench({"predict", "--backend", "thread", "--tasks", "8x100ms", "--strategy", "none", "--sweep", "workers=1..16"});
  EXPECT_EQ(run.exit_code, kExitOk) << run.err;
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 19) << run.out;
  EXPECT_THAT(run.out, HasSubstr("      8    100 ms    8.00x  max(t): task 1 <- best"));
  EXPECT_LE(widest(run.out), 100U);
}

TEST(PredictSweep, crosses_its_axes_and_is_json_on_request) {
  const nlohmann::json sweep = document({"--backend", "process", "--tasks", "4x300ms", "--callbacks", "60ms", "--strategy",
                                         "extra", "--sweep", "workers=2,4", "--sweep", "parsers=1..3"});
  ASSERT_EQ(sweep["sweep"].size(), 6U);
  EXPECT_EQ(sweep["sweep"][3]["workers"], 4);
  EXPECT_EQ(sweep["sweep"][3]["parsers"], 1);
  EXPECT_EQ(sweep["sweep"][3]["makespan_ns"], 540'000'000);
  EXPECT_EQ(sweep["sweep"][4]["makespan_ns"], 420'000'000);
  EXPECT_EQ(sweep["best"], 4);  // three parsers do no better than two
  EXPECT_EQ(sweep["one_at_a_time_ns"], 1'440'000'000);
}

TEST(PredictSweep, of_chunks_means_nothing_to_threads) {
  const auto sweep = [](const std::string& backend) {
    return document(
        {"--backend", backend, "--workers", "4", "--tasks", "4x100ms", "--strategy", "map", "--sweep", "chunksize=1,4"})["sweep"];
  };
  EXPECT_EQ(sweep("process")[1]["makespan_ns"], 400'000'000);
  EXPECT_EQ(sweep("thread")[1]["makespan_ns"], 100'000'000);
}

struct RefusalOfASweep {
  std::vector<std::string> arguments;
  std::string message;
};

class PredictRefusesToo : public ::testing::TestWithParam<RefusalOfASweep> {};

TEST_P(PredictRefusesToo, with_exit_code_2_one_line_and_no_output) {
  const Invocation run = poolbench(with({"predict", "--tasks", "2x10ms"}, GetParam().arguments));
  EXPECT_EQ(run.exit_code, kExitUsage);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
}

const std::vector<std::string> kThreads = {"--backend", "thread", "--strategy", "none", "--workers", "4"};
const std::vector<std::string> kUnsized = {"--backend", "thread", "--strategy", "none"};

INSTANTIATE_TEST_SUITE_P(
    BadInput, PredictRefusesToo,
    ::testing::Values(RefusalOfASweep{with(kUnsized, {"--sweep", "tasks=1..4"}), "one of workers, parsers, chunksize"},
                      RefusalOfASweep{with(kUnsized, {"--sweep", "workers"}), "AXIS=SIZES"},
                      RefusalOfASweep{with(kUnsized, {"--sweep", "workers=0"}), "0"},
                      RefusalOfASweep{with(kUnsized, {"--sweep", "workers=1..20000"}), "20000"},
                      RefusalOfASweep{with(kUnsized, {"--sweep", "workers=1", "--sweep", "workers=2"}), "given twice"},
                      RefusalOfASweep{with(kThreads, {"--sweep", "workers=1..4"}), "contradict"},
                      RefusalOfASweep{with(kThreads, {"--sweep", "parsers=1..4"}), "--parsers does not apply"},
                      RefusalOfASweep{with(kUnsized, {"--sweep", "workers=1..4", "--explain"}), "--explain shows one case"},
                      RefusalOfASweep{with(kThreads, {"--parsers", "auto"}), "--parsers does not apply"},
                      RefusalOfASweep{with(kThreads, {"--submit-cost", "1"}), "'1'"},
                      RefusalOfASweep{with(kThreads, {"--routing-cost", "1ms"}), "only to extra"},
                      RefusalOfASweep{with(kThreads, {"--gil"}), "nothing computes"},
                      RefusalOfASweep{with(kThreads, {"--cores", "2"}), "nothing computes"},
                      RefusalOfASweep{with(kThreads, {"--compute", "1ms", "--cores", "1,2"}), "one number"},
                      RefusalOfASweep{with(kThreads, {"--compute", "1ms,2ms,3ms"}), "3 durations for 2 tasks"},
                      RefusalOfASweep{with(kThreads, {"--callback-compute", "1ms"}), "has no callbacks"},
                      RefusalOfASweep{with(kThreads, {"--coupled"}), "only a process pool"},
                      RefusalOfASweep{with(kThreads, {"--compute", "200000000000s"}), "200000000000s"}));

TEST(Gantt, of_nothing_says_so) {
  model::Case c;
  c.tasks = model::waits(std::vector<std::int64_t>{0, 0});
  EXPECT_EQ(gantt(c, model::simulate(c), 100), "nothing takes any time\n");
}

}  // namespace
}  // namespace harness
