// The sinks beside results.csv: the task trace, the context file, the progress line; and the judgement of a machine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "harness/base/errors.h"
#include "harness/base/hash.h"
#include "harness/machine/environment.h"
#include "harness/machine/machine.h"
#include "harness/plan/distribution.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sinks/tasks_csv.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

Trace two_tasks() {
  Trace trace;
  trace.tasks.resize(2);
  trace.tasks[0] = {1000, 1100, 1500, 1600, 1700, 10, 12, 10, 10, 0, 0, 0xabc, 0};
  trace.tasks[1] = {1010, 1050, 1400, kNoStamp, kNoStamp, 10, 11, 0, 0, 0, 0, 0xffffffffffffffff, 0};
  return trace;
}

// An explicit case with equal and with different durations, and a drawn one.
Plan plan_of_cells() {
  Plan plan = test_plan({"explicit", "drawn"}, 1, 0, Order::batch);
  Cell& listed = plan.cells[0].cell;
  listed.distribution = "explicit";
  listed.tasks = 4;
  listed.task_durations_ns = {5, 5, 5, 9};
  listed.callback_durations_ns = {0, 1, 1, 0};
  Cell& drawn = plan.cells[1].cell;
  drawn.distribution = "exponential";
  drawn.workers_spec = "cores*5";
  drawn.seed = 18446744073709551615u;
  drawn.task_durations_ns = draw_durations(drawn.distribution, drawn.tasks, drawn.task_ns, drawn.seed);
  for (PlannedCell& planned : plan.cells) planned.cell.cell_id = cell_id(planned.cell);
  return plan;
}

void expect_same(const Cell& read, const Cell& written) {
  EXPECT_TRUE(static_cast<const Factors&>(read) == written) << written.cell_id;
  EXPECT_EQ(read.cell_id, written.cell_id);
  EXPECT_EQ(read.task_durations_ns, written.task_durations_ns);
  EXPECT_EQ(read.callback_durations_ns, written.callback_durations_ns);
}

TEST(PlannedCells, HaveTheirApprovedForm) {
  const TestDirectory directory;
  write_cells(directory.path(), "run", plan_of_cells());
  EXPECT_EQ(content(directory / "cells/run.json"),
            R"({
  "run_id": "run",
  "cells": {
    "d060dcc46bc481eb": {"backend":"thread","workers":1,"workers_spec":"1","cores":1,"workload":"sleep","strategy":"none","parsers":0,"tasks":4,"distribution":"explicit","task_ns":10000000,"callback_ns":0,"payload_bytes":0,"chunksize":1,"start_method":"none","seed":0,"in_flight":0,"arrivals":"closed","arrivals_spec":"closed","queue":0,"when_full":"none","callback_workload":"","inputs":"","deadline_ns":0,"task_durations_ns":[[3,5],[1,9]],"callback_durations_ns":[[1,0],[2,1],[1,0]],"runs":1},
    "be5d9f4e521accf5": {"backend":"thread","workers":1,"workers_spec":"cores*5","cores":1,"workload":"sleep","strategy":"none","parsers":0,"tasks":2,"distribution":"exponential","task_ns":10000000,"callback_ns":0,"payload_bytes":0,"chunksize":1,"start_method":"none","seed":18446744073709551615,"in_flight":0,"arrivals":"closed","arrivals_spec":"closed","queue":0,"when_full":"none","callback_workload":"","inputs":"","deadline_ns":0,"runs":1}
  }
}
)");
}

TEST(PlannedCells, AreReadBackExactlyOfAllRunsAndRounds) {
  const TestDirectory directory;
  EXPECT_THAT(read_cells(directory.path()), IsEmpty());
  const Plan plan = plan_of_cells();
  write_cells(directory.path(), "a", plan);
  Plan next = plan;
  next.cells[0].cell.workers = 7;  // a round that plans a cell more, and one again
  next.cells[0].cell.cell_id = cell_id(next.cells[0].cell);
  write_cells(directory.path(), "a", next);
  write_cells(directory.path(), "b", plan);
  const std::vector<Cell> cells = read_cells(directory.path());
  ASSERT_THAT(cells, SizeIs(5));
  expect_same(cells[0], plan.cells[0].cell);
  expect_same(cells[1], plan.cells[1].cell);
  expect_same(cells[2], next.cells[0].cell);
  expect_same(cells[3], plan.cells[0].cell);
}

TEST(PlannedCells, AreRefusedWhereTheyAreNotWhatTheirIdSays) {
  const TestDirectory directory;
  write_cells(directory.path(), "run", plan_of_cells());
  const std::filesystem::path path = directory / "cells/run.json";
  const std::string text = content(path);
  const auto refusal = [&](const std::string& from, const std::string& to) -> std::string {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    if (at == std::string::npos) return "no " + from;
    write_text(path, changed.replace(at, from.size(), to));
    try {
      read_cells(directory.path());
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "was accepted";
  };
  EXPECT_THAT(refusal("\"workers\":1,", "\"workers\":2,"), HasSubstr("is not what its id says"));
  EXPECT_THAT(refusal("[3,5]", "[3,6]"), HasSubstr("is not what its id says"));
  EXPECT_THAT(refusal("[3,5]", "[2000000000,5]"), HasSubstr("in the durations of 4 tasks"));
  EXPECT_THAT(refusal("[3,5]", "[2,5]"), HasSubstr("3 durations of 4 tasks"));
  EXPECT_THAT(refusal("[3,5]", "[3,5.5]"), HasSubstr("5.5 where an integer"));
  EXPECT_THAT(refusal("\"tasks\":4", "\"tasks\":2000000000"), HasSubstr("2000000000 tasks"));
  EXPECT_THAT(refusal("\"seed\":18446744073709551615", "\"seed\":-1"), HasSubstr("-1 where an integer"));
  EXPECT_THAT(refusal("\"strategy\":\"none\",", ""), HasSubstr("strategy"));
  EXPECT_THAT(refusal("\n}", ""), HasSubstr("run.json' is not a file of cells"));
}

TEST(TaskTraces, HaveTheirApprovedForm) {
  EXPECT_EQ(tasks_csv_header(),
            "cell_id,rep,task,worker,pid,tid,submitted_ns,started_ns,finished_ns,callback_started_ns,callback_finished_ns,"
            "callback_worker,callback_pid,callback_tid,digest,arrived_ns\n");
  // Thread 11 started first and is worker 0; thread 10 ran a callback only.
  EXPECT_EQ(tasks_csv_rows("c", 4, two_tasks()),
            "c,4,0,1,10,12,0,100,500,600,700,2,10,10,0000000000000abc,\n"
            "c,4,1,0,10,11,10,50,400,,,,,,ffffffffffffffff,\n");
  // Times count from the first arrival; of who was rejected there is no more than that.
  Trace arriving = two_tasks();
  for (TaskTrace& task : arriving.tasks) task.arrived_ns = task.due_ns = task.submitted_ns - 5;
  TaskTrace rejected;
  rejected.arrived_ns = rejected.due_ns = arriving.tasks[0].arrived_ns + 20;
  rejected.submitted_ns = rejected.arrived_ns + 1;
  rejected.rejected = true;
  arriving.tasks.push_back(rejected);
  EXPECT_EQ(tasks_csv_rows("c", 4, arriving),
            "c,4,0,1,10,12,5,105,505,605,705,2,10,10,0000000000000abc,0\n"
            "c,4,1,0,10,11,15,55,405,,,,,,ffffffffffffffff,10\n"
            "c,4,2,,,,21,,,,,,,,,20\n");
  EXPECT_EQ(tasks_csv_rows("c", 0, Trace{}), "");
}

TEST(TaskTraces, LeaveOutWarmUpsAndFailures) {
  const TestDirectory directory;
  Sample sample;
  sample.cell_id = "c";
  const Trace trace = two_tasks();
  {
    TasksCsvSink sink(directory.path(), "run");
    sink.row(test_cell("c"), sample, &trace);
    sample.is_warmup = 1;
    sink.row(test_cell("c"), sample, &trace);
    sample.is_warmup = 0;
    sample.status = "crash";
    sink.row(test_cell("c"), sample, nullptr);
  }
  EXPECT_EQ(content(directory / "tasks/run.csv"), tasks_csv_header() + tasks_csv_rows("c", 0, trace));
}

Context test_context() {
  Context context;
  context.run_id = "20250101T000000.000000Z-1";
  context.started_utc = "2025-01-01T00:00:00.000000Z";
  context.suite = "default";
  context.argv = {"poolbench", "run", "-o", "a \"b\"\n\xff"};
  context.seed = 18446744073709551615u;
  context.order = "random";
  context.environment.cpu_model = "A CPU";
  context.environment.cores = 2;
  context.environment.cores_decided_by = "affinity mask";
  context.environment.load1 = 0.1;
  context.environment.warnings = {"one", "two"};
  context.calibration = {0.1, 1.0 / 3, 3, 4, 5};
  context.calibration.sleep_lateness_ns = 91'000;
  context.calibration.loops[{"coroutine", 2}] = {.wake_ns = 9'000, .dispatch_ns = 700};
  context.calibration.hops["remote:a,b"] = {.latency_ns = 60'000, .task_ns = 9'000, .bytes_per_ns = 0.4};
  context.clocks["remote:a,b"] = {{"a", -5, 30'000, 60'001}, {"b", 1'000'000'000'000, 31'000, 62'000}};
  return context;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Contexts, AreReadBackExactly) {
  const TestDirectory directory;
  write_context(directory.path(), test_context());
  const std::vector<Context> read = read_contexts(directory.path());
  ASSERT_THAT(read, SizeIs(1));
  EXPECT_EQ(read[0].run_id, test_context().run_id);
  EXPECT_EQ(read[0].seed, 18446744073709551615u);
  EXPECT_THAT(read[0].argv, SizeIs(4));
  EXPECT_EQ(read[0].environment.cpu_model, "A CPU");
  EXPECT_EQ(read[0].environment.load1, 0.1);
  EXPECT_THAT(read[0].environment.warnings, ElementsAre("one", "two"));
  EXPECT_EQ(read[0].calibration.sort_units_per_ns, 1.0 / 3);
  EXPECT_EQ(read[0].calibration.sleep_lateness_ns, 91'000);
  const workloads::Calibration::Loop loop = read[0].calibration.loops.at({"coroutine", 2});
  EXPECT_EQ(loop.wake_ns, 9'000);
  EXPECT_EQ(loop.dispatch_ns, 700);
  const workloads::Calibration::Hop hop = read[0].calibration.hops.at("remote:a,b");
  EXPECT_EQ(hop.latency_ns, 60'000);
  EXPECT_EQ(hop.task_ns, 9'000);
  EXPECT_EQ(hop.bytes_per_ns, 0.4);
  const std::vector<HostClock>& clocks = read[0].clocks.at("remote:a,b");
  ASSERT_THAT(clocks, SizeIs(2));
  EXPECT_EQ(clocks[0].offset_ns, -5);
  EXPECT_EQ(clocks[1].host, "b");
  EXPECT_EQ(clocks[1].bound_ns, 31'000);
  EXPECT_EQ(clocks[1].round_trip_ns, 62'000);
}

TEST(Contexts, OfEarlierVersionsDoNotKnowHowLateSleepsEnd) {
  const TestDirectory directory;
  write_context(directory.path(), test_context());
  const std::filesystem::path file = context_path(directory.path(), test_context().run_id);
  std::string text = read_text(file);
  const std::size_t at = text.find(",\n    \"sleep_lateness_ns\": 91000");
  ASSERT_NE(at, std::string::npos) << text;
  text.erase(at, text.find('\n', at + 2) - at);
  write_text(file, text);
  EXPECT_EQ(read_context(file).calibration.sleep_lateness_ns, 0);
  EXPECT_EQ(read_context(file).calibration.sort_units_per_ns, 1.0 / 3);
}

TEST(Contexts, HaveEachDriverAndThoseOfEarlierVersionsOnePythonForTwoBackends) {
  const TestDirectory directory;
  Context context = test_context();
  context.drivers["driver:./own"] = {"perl", "5.36.0", "", false, true, 0.03};
  context.drivers["cpython_thread"] = {"cpython", "3.11.7", "/usr/bin/python3", true, false, 0.01};
  write_context(directory.path(), context);
  const std::filesystem::path file = context_path(directory.path(), context.run_id);
  const Context read = read_context(file);
  EXPECT_THAT(read.drivers, SizeIs(2));
  EXPECT_TRUE(read.drivers.at("driver:./own").is(context.drivers["driver:./own"]));
  EXPECT_TRUE(read.drivers.at("driver:./own").event_loop);
  EXPECT_EQ(read.calibration.foreign.at("cpython_thread").spin_units_per_ns, 0.01);
  EXPECT_FALSE(read.calibration.foreign.at("driver:./own").one_lock);

  std::string text = read_text(file);
  const std::size_t at = text.find("\"drivers\": {");
  ASSERT_NE(at, std::string::npos) << text;
  write_text(file, text.substr(0, at) + R"("python": {"implementation": "cpython", "version": "3.10.1", "gil": true,
      "executable": "/opt/python3", "spin_units_per_ns": 0.02}})");
  for (const char* const backend : {"cpython_thread", "cpython_process"}) {
    EXPECT_EQ(read_context(file).drivers.at(backend).version, "3.10.1");
    EXPECT_EQ(read_context(file).calibration.foreign.at(backend).spin_units_per_ns, 0.02);
  }
}

TEST(Contexts, AreNeverOverwritten) {
  const TestDirectory directory;
  write_context(directory.path(), test_context());
  EXPECT_THROW(write_context(directory.path(), test_context()), OutputError);
}

TEST(Contexts, ThatAreNoneAreRefusedByName) {
  const TestDirectory directory;
  EXPECT_THAT(read_contexts(directory.path()), IsEmpty());
  for (const char* const text : {"", "{}", "[1]", "{\"run_id\": 5}"}) {
    write_text(directory / "x.json", text);
    try {
      read_context(directory / "x.json");
      ADD_FAILURE() << text;
    } catch (const ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("x.json' is not a context file"));
    }
  }
}

class ProgressTest : public testing::Test {
 protected:
  ProgressOptions options(bool animated, bool colour) {
    return {animated, colour, 60, [this](const std::string& bytes) { written += bytes; }};
  }
  // A sweep of 200 repetitions, one a second.
  void sweep(ProgressSink& sink) {
    for (int i = 0; i < 200; ++i) {
      sink.starting(test_cell("x"), {200, i, 0, std::chrono::seconds(i), std::chrono::seconds(200 - i)});
      Sample sample;
      sample.status = i == 100 ? "timeout" : "ok";
      sample.error = i == 100 ? "killed at its deadline" : "";
      sink.row(test_cell("x"), sample, nullptr);
    }
    sink.finished({200, 200, 1, std::chrono::seconds(200), {}});
  }
  std::string written;
};

TEST_F(ProgressTest, IsPlainAndOccasionalWithoutATerminal) {
  ProgressSink sink(options(false, false));
  sweep(sink);
  EXPECT_THAT(written, Not(HasSubstr("\x1b")));
  EXPECT_THAT(written, Not(HasSubstr("\r")));
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 10 + 1 + 1);
  EXPECT_THAT(written, StartsWith("[0/200] 0%, 3 min 20 s left: thread x1 sleep none, 2 tasks\n[20/200] 10%"));
  EXPECT_THAT(written, HasSubstr("timeout: "));
  EXPECT_THAT(written, EndsWith("200 of 200 repetitions in 3 min 20 s, 1 failed\n"));
}

TEST_F(ProgressTest, IsRedrawnInPlaceOnATerminalAndLeavesNoRemains) {
  ProgressSink sink(options(true, false));
  sweep(sink);
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);  // the failure and the end
  EXPECT_THAT(written, HasSubstr("\r\x1b[K[150/200] 75%"));
  EXPECT_THAT(written, HasSubstr("\r\x1b[K200 of 200"));
  EXPECT_THAT(written, Not(HasSubstr("\x1b[2m")));
}

TEST_F(ProgressTest, IsColouredOnlyWhenAsked) {
  ProgressSink sink(options(true, true));
  sweep(sink);
  EXPECT_THAT(written, HasSubstr("\x1b[31mtimeout\x1b[0m"));
}

TEST_F(ProgressTest, HasTheRangeOfTheCellSoFarOnATerminal) {
  ProgressOptions wide = options(true, false);
  wide.width = 200;
  ProgressSink sink(wide);
  const Cell cell = test_cell("x");
  const auto measured = [&](std::int64_t makespan_ns, bool warmup) {
    Sample sample;
    sample.makespan_ns = makespan_ns;
    sample.is_warmup = warmup ? 1 : 0;
    sink.row(cell, sample, nullptr);
    written.clear();
    sink.starting(cell, {4, 1, 0, {}, {}});
    return written;
  };
  EXPECT_THAT(measured(50'000'000, true), Not(HasSubstr("so far")));
  EXPECT_THAT(measured(20'000'000, false), EndsWith("; so far 20.0 ms"));
  EXPECT_THAT(measured(24'000'000, false), EndsWith("; so far 20.0 ms to 24.0 ms in 2"));
  written.clear();
  sink.starting(test_cell("another"), {4, 1, 0, {}, {}});
  EXPECT_THAT(written, Not(HasSubstr("so far")));
}

TEST_F(ProgressTest, IsNothingButFailuresWhereItIsToBeQuiet) {
  for (const bool animated : {false, true}) {
    written.clear();
    ProgressOptions quiet = options(animated, false);
    quiet.verbosity = Verbosity::quiet;
    ProgressSink sink(quiet, {{"x", 200}});
    sink.checking(test_cell("x"), 0, 1);
    sweep(sink);
    EXPECT_THAT(written, StartsWith("timeout: "));
    EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 1) << written;
  }
}

TEST_F(ProgressTest, TellsEachCellAsItEndsWhereEverythingIsAskedFor) {
  const auto end_of = [this](Verbosity verbosity) {
    ProgressOptions options = this->options(false, false);
    options.verbosity = verbosity;
    ProgressSink sink(options, {{"x", 3}, {"y", 1}});
    written.clear();
    struct Row {
      int makespan_ms;
      const char* status;
      int is_warmup;
    };
    for (const Row& row : {Row{90, "ok", 1}, Row{20, "ok", 0}, Row{24, "ok", 0}, Row{0, "crash", 0}}) {
      EXPECT_THAT(written, Not(HasSubstr("median")));
      Sample sample;
      sample.makespan_ns = row.makespan_ms * 1'000'000;
      sample.status = row.status;
      sample.is_warmup = row.is_warmup;
      sink.row(test_cell("x"), sample, nullptr);
    }
    return written;
  };
  EXPECT_THAT(end_of(Verbosity::verbose),
              EndsWith("thread x1 sleep none, 2 tasks: median 20.0 ms of 2, 20.0 ms to 24.0 ms; 1 failed\n"));
  EXPECT_THAT(end_of(Verbosity::normal), Not(HasSubstr("median")));
}

TEST_F(ProgressTest, IsCutToTheWidthOfTheTerminal) {
  ProgressOptions narrow = options(true, false);
  narrow.width = 12;
  ProgressSink sink(narrow);
  sink.starting(test_cell("x"), {200, 0, 0, {}, {}});
  EXPECT_EQ(written, "\r\x1b[K[0/200] 0%,");
}

TEST(Etas, AreWholeSeconds) {
  EXPECT_EQ(eta_text(std::chrono::milliseconds(400)), "0 s");
  EXPECT_EQ(eta_text(std::chrono::milliseconds(59'400)), "59 s");
  EXPECT_EQ(eta_text(std::chrono::seconds(125)), "2 min 5 s");
  EXPECT_EQ(eta_text(std::chrono::seconds(3780)), "1 h 3 min");
}

Environment quiet_machine() {
  Environment e;
  e.cores = 4;
  e.affinity_cores = 4;
  e.cpus_online = 4;
  e.load1 = 0.2;
  e.governor = "performance";
  e.build_type = "Release";
  return e;
}

TEST(Environments, ThatAreQuietAreNotRefused) {
  Environment e = quiet_machine();
  judge(e);
  EXPECT_THAT(e.warnings, IsEmpty());
  require_quiet(e);
}

TEST(Environments, ThatAreNoisyAreRefusedWithEveryReason) {
  Environment e = quiet_machine();
  e.load1 = 1.5;
  e.governor = "powersave";
  e.affinity_cores = 8;
  e.cores_decided_by = "cpu.max";
  e.cpu_pressure_avg10 = 30;
  judge(e);
  EXPECT_THAT(e.warnings, SizeIs(4));
  try {
    require_quiet(e);
    FAIL();
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("load average is 1.50"));
    EXPECT_THAT(error.what(), HasSubstr("'powersave'"));
    EXPECT_THAT(error.what(), HasSubstr("4 of 8 cores"));
    EXPECT_THAT(error.what(), HasSubstr("30.0 %"));
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
  }
}

TEST(Environments, WarnOfBuildsThatAreNotForMeasuring) {
  Environment e = quiet_machine();
  e.build_type = "Debug";
  e.assertions = true;
  e.smt = "on";
  e.flags = "-O1 -fsanitize=thread";
  judge(e);
  EXPECT_THAT(e.warnings, SizeIs(3));
  EXPECT_THAT(e.refusals, IsEmpty());
}

TEST(Environments, HaveIdentitiesThatStay) {
  const Environment one = read_environment();
  const Environment other = read_environment();
  EXPECT_EQ(one.machine_id, other.machine_id);
  EXPECT_EQ(one.build_id, other.build_id);
  EXPECT_TRUE(std::regex_match(one.machine_id, std::regex("[0-9a-f]{16}")));
  EXPECT_TRUE(std::regex_match(one.build_id, std::regex("[0-9a-f]{16}")));
  EXPECT_GE(one.cores, 1);
  EXPECT_FALSE(one.cores_decided_by.empty());
  EXPECT_GT(one.memory_bytes, 0);
  EXPECT_FALSE(one.kernel.empty());
  EXPECT_NE(make_run_id(), make_run_id());
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"))) << utc_now();
}

TEST(Hashes, AreFnv1a) {
  EXPECT_EQ(fnv1a_hex(""), "cbf29ce484222325");
  EXPECT_EQ(fnv1a_hex("foobar"), "85944171f73967e8");
}

}  // namespace
}  // namespace harness
