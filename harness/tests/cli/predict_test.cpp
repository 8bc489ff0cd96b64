// `poolbench predict`, through run_cli: flags, output, exit codes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/errors.h"
#include "harness/tests/cli/invocation.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using ::testing::HasSubstr;

using testing_cli::Invocation;
using testing_cli::poolbench;

nlohmann::json predicted(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "predict");
  arguments.push_back("--json");
  const Invocation run = poolbench(std::move(arguments));
  EXPECT_EQ(run.exit_code, kExitOk) << run.err;
  EXPECT_EQ(run.err, "");
  return nlohmann::json::parse(run.out);
}

TEST(Predict, gives_every_task_in_submission_order_in_integer_nanoseconds) {
  const auto document = predicted(
      {"--backend", "thread", "--workers", "2", "--tasks", "200ms,40ms", "--callbacks", "20ms,300ms", "--strategy", "worker"});
  EXPECT_EQ(document, nlohmann::json::parse(R"json({"case": {"backend": "thread", "workers": "2", "tasks": "200ms,40ms",
    "callbacks": "20ms,300ms", "strategy": "worker"}, "formula": "max(t + c)", "makespan_ns": 340000000, "tasks": [
    {"start_ns": 0, "finish_ns": 200000000, "callback_start_ns": 200000000, "callback_finish_ns": 220000000},
    {"start_ns": 0, "finish_ns": 40000000, "callback_start_ns": 40000000, "callback_finish_ns": 340000000}]
})json"));
}

TEST(Predict, leaves_the_callbacks_of_none_null_and_rounds_nothing) {
  const auto document =
      predicted({"--backend", "process", "--workers", "1", "--tasks", "1ns,9223372036854775806ns", "--strategy", "none"});
  EXPECT_EQ(document["makespan_ns"].get<std::int64_t>(), INT64_MAX);
  EXPECT_TRUE(document["tasks"][1]["callback_start_ns"].is_null());
  EXPECT_TRUE(document["tasks"][1]["callback_finish_ns"].is_null());
}

TEST(Predict, counts_who_is_rejected_and_who_is_late) {
  std::vector<std::string> flags = {"--backend",  "thread",     "--workers", "1", "--tasks",     "5x10ms", "--strategy", "none",
                                    "--arrivals", "burst:5@1s", "--queue",   "2", "--when-full", "reject", "--deadline", "15ms"};
  const auto document = predicted(flags);
  EXPECT_EQ(document["rejected"], 2);
  EXPECT_EQ(document["late_by_deadline"], 2);
  EXPECT_EQ(document["sojourn_ns"]["max"], 30'000'000);
  EXPECT_EQ(document["tasks"][3]["rejected"], true);
  std::vector<std::string> sweep = flags;
  sweep[2] = "--sweep";
  sweep[3] = "workers=1..2";
  const auto rows = predicted(sweep)["sweep"];
  EXPECT_EQ(rows[0]["rejected"], 2);
  EXPECT_EQ(rows[1]["rejected"], 1);
  EXPECT_EQ(rows[1]["late_by_deadline"], 2);
  sweep.insert(sweep.begin(), "predict");
  EXPECT_THAT(poolbench(sweep).out, HasSubstr("  rejected  late"));
  flags.insert(flags.begin(), "predict");
  EXPECT_THAT(poolbench(flags).out, HasSubstr("clients   5: 2 rejected, 2 served after the deadline of 15ms"));
  const std::vector<std::string> batch = {"predict", "--backend", "thread",     "--workers", "1",
                                          "--tasks", "2x1ms",     "--strategy", "none"};
  std::vector<std::string> wrong = batch;
  wrong.insert(wrong.end(), {"--deadline", "1ms"});
  EXPECT_EQ(poolbench(wrong).exit_code, kExitUsage);
  wrong = batch;
  wrong.insert(wrong.end(), {"--arrivals", "0ms,1ms", "--when-full", "reject"});
  EXPECT_THAT(poolbench(wrong).err, HasSubstr("without --queue"));
  wrong = {"predict", "--backend",  "coroutine", "--workers", "1", "--tasks",     "2x1ms", "--strategy",
           "none",    "--arrivals", "0ms,1ms",   "--queue",   "1", "--when-full", "reject"};
  EXPECT_THAT(poolbench(wrong).err, HasSubstr("a full queue is that of a pool on this machine"));
}

TEST(Predict, knows_each_strategy_and_its_own_flags) {
  const std::vector<std::string> base = {"--backend", "process",     "--workers", "4",         "--tasks",
                                         "4x300ms",   "--callbacks", "60ms",      "--strategy"};
  const auto makespan_ms = [&base](std::vector<std::string> more) {
    std::vector<std::string> all = base;
    all.insert(all.end(), more.begin(), more.end());
    return predicted(all)["makespan_ns"].get<std::int64_t>() / 1'000'000;
  };
  EXPECT_EQ(makespan_ms({"worker"}), 360);
  EXPECT_EQ(makespan_ms({"main"}), 540);
  EXPECT_EQ(makespan_ms({"extra"}), 540);
  EXPECT_EQ(makespan_ms({"extra", "--parsers", "2"}), 420);
  EXPECT_EQ(makespan_ms({"extra", "--parsers", "4"}), 360);
  EXPECT_EQ(makespan_ms({"fused"}), 360);
  EXPECT_EQ(makespan_ms({"sync"}), 1440);
  EXPECT_EQ(makespan_ms({"collect"}), 540);
  EXPECT_EQ(makespan_ms({"as_completed"}), 540);
  EXPECT_EQ(makespan_ms({"map"}), 540);
  EXPECT_EQ(makespan_ms({"map", "--chunksize", "4"}), 1440);
  EXPECT_EQ(makespan_ms({"map", "--chunksize", "2147483647"}), 1440);
}

TEST(Predict, gives_inline_one_worker_and_thread_per_task_one_per_task) {
  EXPECT_EQ(predicted({"--backend", "inline", "--tasks", "3x10ms", "--strategy", "fused", "--callbacks", "1ms"})["makespan_ns"],
            33'000'000);
  EXPECT_EQ(predicted({"--backend", "thread_per_task", "--tasks", "30x10ms", "--strategy", "worker", "--callbacks",
                       "1ms"})["makespan_ns"],
            11'000'000);
  EXPECT_EQ(predicted({"--backend", "inline", "--workers", "1", "--tasks", "10ms", "--strategy", "sync"})["makespan_ns"],
            10'000'000);
}

TEST(Predict, ignores_the_chunksize_on_a_thread_pool_and_takes_expressions_of_cores) {
  EXPECT_EQ(predicted({"--backend", "thread", "--workers", "4", "--tasks", "4x10ms", "--strategy", "map", "--chunksize",
                       "4"})["makespan_ns"],
            10'000'000);
  EXPECT_EQ(predicted({"--backend", "thread", "--workers", "cores*5", "--tasks", "1ms", "--strategy", "none"})["makespan_ns"],
            1'000'000);
}

TEST(Predict, prints_a_table_with_the_formula_that_binds) {
  const Invocation run = poolbench(
      {"predict", "--backend", "process", "--workers", "4", "--tasks", "4x500ms", "--callbacks", "100ms", "--strategy", "main"});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(run.out, HasSubstr("makespan  900ms (predicted)"));
  EXPECT_THAT(run.out, HasSubstr("max(t + nc, qt + Lc); binding: t + nc"));
}

struct Refusal {
  std::vector<std::string> arguments;
  std::string message;
};

class PredictRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(PredictRefuses, with_exit_code_2_one_line_and_no_output) {
  std::vector<std::string> arguments = GetParam().arguments;
  arguments.insert(arguments.begin(), "predict");
  const Invocation run = poolbench(arguments);
  EXPECT_EQ(run.exit_code, kExitUsage);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, HasSubstr(GetParam().message));
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
}

std::vector<std::string> thread_case(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"--backend", "thread", "--tasks", "2x10ms"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::vector<std::string> remote_case(std::vector<std::string> more) {
  std::vector<std::string> arguments = {"--backend", "remote", "--workers", "2", "--tasks", "4x10ms", "--strategy", "none"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

INSTANTIATE_TEST_SUITE_P(
    BadInput, PredictRefuses,
    ::testing::Values(
        Refusal{thread_case({"--strategy", "main", "--workers", "1,2"}), "is a list"},
        Refusal{thread_case({"--strategy", "main", "--workers", "1..4"}), "is a list"},
        Refusal{thread_case({"--strategy", "main", "--workers", "0"}), "0"},
        Refusal{thread_case({"--strategy", "main", "--workers", "-3"}), "-3"},
        Refusal{thread_case({"--strategy", "main"}), "--workers"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--parsers", "2"}),
                "--parsers does not apply to strategy main"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--chunksize", "1"}),
                "--chunksize does not apply to strategy main"},
        Refusal{thread_case({"--strategy", "none", "--workers", "4", "--callbacks", "1ms"}), "does not apply to strategy none"},
        Refusal{thread_case({"--strategy", "extra", "--workers", "4", "--parsers", "0"}), "--parsers"},
        Refusal{thread_case({"--strategy", "extra", "--workers", "4", "--parsers", "1.5"}), "1.5"},
        Refusal{thread_case({"--strategy", "map", "--workers", "4", "--chunksize", "0"}), "--chunksize"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--callbacks", "1ms,2ms,3ms"}), "3 durations for 2 tasks"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--callbacks", "1x1ms"}), "1 durations for 2 tasks"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--callbacks", "0.5ns"}), "0.5ns"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "-r", "0"}), "--runs"},
        Refusal{thread_case({"--strategy", "maim", "--workers", "4"}), "known: none, worker"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--frobnicate"}), "--frobnicate"},
        Refusal{{"--backend", "threads", "--workers", "4", "--tasks", "1ms", "--strategy", "main"}, "known: thread"},
        Refusal{{"--backend", "inline", "--workers", "2", "--tasks", "1ms", "--strategy", "none"},
                "does not apply to backend inline"},
        Refusal{{"--backend", "inline", "--tasks", "1ms", "--strategy", "main"}, "not defined on backend inline"},
        Refusal{{"--backend", "thread_per_task", "--tasks", "1ms", "--strategy", "map"},
                "not defined on backend thread_per_task"},
        Refusal{{"--backend", "thread", "--workers", "4", "--tasks", "1.5", "--strategy", "main"}, "1.5"},
        Refusal{{"--backend", "thread", "--workers", "4", "--tasks", "-1ms", "--strategy", "main"}, "-1ms"},
        Refusal{{"--backend", "thread", "--workers", "4", "--tasks", "", "--strategy", "main"}, "durations"},
        Refusal{{"--backend", "thread", "--workers", "4", "--tasks", "2x5000000000s", "--strategy", "main"},
                "9223372036854775807"},
        Refusal{{"--backend", "thread", "--workers", "4", "--tasks", "99999999999999999999s", "--strategy", "main"},
                "99999999999999999999s"},
        Refusal{{"--backend", "thread", "--workers", "4", "--strategy", "main"}, "--tasks"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--hop-latency", "50us"}),
                "--hop-latency does not apply to backend thread, only to remote"},
        Refusal{thread_case({"--strategy", "main", "--workers", "4", "--payload", "1MiB"}),
                "--payload does not apply to backend thread"},
        Refusal{remote_case({"--bandwidth", "1GB/s"}), "--bandwidth and --payload go together"},
        Refusal{remote_case({"--payload", "1MiB"}), "--bandwidth and --payload go together"},
        Refusal{remote_case({"--bandwidth", "1GB", "--payload", "1MiB"}), "bad bandwidth '1GB'"},
        Refusal{remote_case({"--bandwidth", "1B/s", "--payload", "8589934591GiB"}), "more than 292 years"},
        Refusal{remote_case({"--hop-latency", "-1us"}), "-1us"},
        Refusal{remote_case({"--hop-latency", "50us", "--explain"}), "--explain has no path that leaves the machine"}));

TEST(PredictHop, adds_the_way_to_other_hosts_and_back) {
  const auto makespan = [](const std::vector<std::string>& more) {
    return predicted(remote_case(more)).at("makespan_ns").get<std::int64_t>();
  };
  EXPECT_EQ(makespan({}), 20'000'000);
  // Tasks of 10 ms are permitted one at a time: the second round waits for an answer and a permission.
  EXPECT_EQ(makespan({"--hop-latency", "50us"}), 20'000'000 + 3 * 50'000);
  // The results of the first round, 1 MB each, are carried one after the other before the next round is permitted; those of the last nobody of
  // strategy none waits for.
  EXPECT_EQ(makespan({"--bandwidth", "1GB/s", "--payload", "1000000"}), 20'000'000 + 2 * 1'000'000);
}

TEST(PredictHop, of_short_tasks_is_hidden_by_those_that_are_permitted_ahead) {
  const auto document =
      predicted({"--backend", "remote", "--workers", "2", "--tasks", "100x100us", "--strategy", "none", "--hop-latency", "50us"});
  EXPECT_EQ(document.at("makespan_ns"), 50 * 100'000 + 50'000);
}

TEST(PredictArrivals, gives_each_arrival_and_percentiles_by_nearest_rank) {
  auto document = predicted(
      {"--backend", "thread", "--workers", "1", "--tasks", "10ms,10ms,10ms", "--strategy", "none", "--arrivals", "5ms,5ms,40ms"});
  EXPECT_EQ(document.at("formula"), nullptr);
  document.erase("case");
  document.erase("formula");
  EXPECT_EQ(document, nlohmann::json::parse(R"({"makespan_ns": 45000000,
    "sojourn_ns": {"mean": 13333333, "p50": 10000000, "p95": 20000000, "p99": 20000000, "max": 20000000}, "tasks": [
    {"arrival_ns": 5000000, "start_ns": 5000000, "finish_ns": 15000000, "callback_start_ns": null, "callback_finish_ns": null},
    {"arrival_ns": 5000000, "start_ns": 15000000, "finish_ns": 25000000, "callback_start_ns": null, "callback_finish_ns": null},
    {"arrival_ns": 40000000, "start_ns": 40000000, "finish_ns": 50000000, "callback_start_ns": null, "callback_finish_ns": null}]})"));
}

TEST(PredictArrivals, are_drawn_from_a_seed_or_come_at_a_rate) {
  const auto arrivals = [](const std::string& text, const std::string& seed = "") {
    std::vector<std::string> arguments = {"--backend", "thread",     "--workers", "2",          "--tasks",
                                          "2000x1ms",  "--strategy", "none",      "--arrivals", text};
    if (!seed.empty()) arguments.insert(arguments.end(), {"--seed", seed});
    std::vector<std::int64_t> times;
    const auto document = predicted(arguments);
    for (const auto& task : document["tasks"]) times.push_back(task["arrival_ns"].get<std::int64_t>());
    return times;
  };
  const std::vector<std::int64_t> poisson = arrivals("poisson:300/s");
  EXPECT_EQ(poisson, arrivals("poisson:300/s", "1"));
  EXPECT_NE(poisson, arrivals("poisson:300/s", "2"));
  EXPECT_TRUE(std::is_sorted(poisson.begin(), poisson.end()));
  EXPECT_NEAR(static_cast<double>(poisson.back()) / 2000, 1e9 / 300, 0.1 * 1e9 / 300);
  const std::vector<std::int64_t> constant = arrivals("constant:300/s");
  EXPECT_EQ(constant[0], 0);
  EXPECT_EQ(constant[300], 1'000'000'000);
  EXPECT_EQ(constant[1], 3'333'333);
  const std::vector<std::int64_t> bursts = arrivals("burst:50@1s");
  EXPECT_EQ(bursts[49], 0);
  EXPECT_EQ(bursts[50], 1'000'000'000);
}

TEST(PredictArrivals, are_read_from_a_file) {
  const TestDirectory directory;
  write_text(directory / "trace", "# three clients\n0s\n\n  10ms\n10ms\n");
  const std::vector<std::string> base = {"--backend", "thread",     "--workers", "1",         "--tasks",
                                         "3x1ms",     "--strategy", "none",      "--arrivals"};
  std::vector<std::string> arguments = base;
  arguments.push_back("trace:" + (directory / "trace").string());
  EXPECT_EQ(predicted(arguments)["tasks"][2]["arrival_ns"].get<std::int64_t>(), 10'000'000);
}

TEST(PredictArrivals, are_refused_in_one_line) {
  const auto refused = [](const std::string& arrivals, const std::string& words,
                          std::vector<std::string> more = {"--strategy", "none"}) {
    std::vector<std::string> arguments = {"predict", "--backend", "thread",     "--workers", "1",
                                          "--tasks", "2x1ms",     "--arrivals", arrivals};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Invocation run = poolbench(arguments);
    EXPECT_EQ(run.exit_code, kExitUsage) << arrivals;
    EXPECT_THAT(run.err, HasSubstr(words)) << arrivals;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  };
  refused("poisson:0/s", "bad rate '0/s'");
  refused("poisson:-3/s", "-3");
  refused("constant:300", "bad rate '300'");
  refused("constant:2000000000/s", "2000000000");
  refused("constant:nan/s", "nan");
  refused("weekly:3", "there is no kind 'weekly'");
  refused("burst:50", "a burst is N@PERIOD");
  refused("burst:0@1s", "'0'");
  refused("burst:5@0s", "the period is 0");
  refused("1ms", "give 1 times for 2 tasks");
  refused("poisson:0*capacity", "the rate is 0");
  refused("poisson:2capacity", "NUMBER*capacity");
  refused("2ms,1ms", "go backwards: 2ms comes before 1ms");
  refused("trace:/nonexistent", "/nonexistent");
  refused("0ms,1ms", "--arrivals does not apply to strategy sync", {"--strategy", "sync"});
  refused("0ms,1ms", "--arrivals does not apply to strategy map", {"--strategy", "map"});
  refused("0ms,1ms", "--explain is of a batch", {"--strategy", "none", "--explain"});
  const Invocation seed =
      poolbench({"predict", "--backend", "thread", "--workers", "1", "--tasks", "1ms", "--strategy", "none", "--seed", "3"});
  EXPECT_EQ(seed.exit_code, kExitUsage);
}

TEST(PredictArrivals, are_swept_as_a_hockey_stick) {
  const Invocation run = poolbench({"predict", "--backend", "thread", "--sweep", "workers=1..4", "--tasks", "400x10ms",
                                    "--strategy", "none", "--arrivals", "poisson:150/s"});
  EXPECT_EQ(run.exit_code, kExitOk) << run.err;
  EXPECT_THAT(run.out, HasSubstr("p99"));
  EXPECT_THAT(run.out, HasSubstr("least p99"));
}

}  // namespace
}  // namespace harness
