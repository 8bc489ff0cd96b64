// The column table, measure(), makespan, cell ids and what is checked of a trace: pure functions against hand-made
// input.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "harness/core/cell.h"
#include "harness/core/sample.h"
#include "harness/core/trace.h"
#include "harness/engine/repetition.h"
#include "harness/machine/resources.h"

namespace harness {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

TaskTrace stamps(std::int64_t submitted, std::int64_t started, std::int64_t finished, std::int64_t callback_started = kNoStamp,
                 std::int64_t callback_finished = kNoStamp) {
  TaskTrace task;
  task.submitted_ns = submitted;
  task.started_ns = started;
  task.finished_ns = finished;
  task.callback_started_ns = callback_started;
  task.callback_finished_ns = callback_finished;
  return task;
}

Cell some_cell() {
  Cell cell;
  cell.backend = "thread";
  cell.workers = 4;
  cell.workers_spec = "cores*2";
  cell.cores = 2;
  cell.workload = "sleep";
  cell.strategy = "main";
  cell.tasks = 2;
  cell.distribution = "linear";
  cell.task_ns = 1'000;
  cell.callback_ns = 100;
  cell.start_method = "none";
  cell.seed = 7;
  cell.task_durations_ns = {500, 1'000};
  cell.callback_durations_ns = {100, 100};
  return cell;
}

TEST(Columns, AreThoseOfTheDesignInItsOrder) {
  std::vector<std::string> names;
  for (const Column& column : sample_columns()) names.emplace_back(column.name);
  EXPECT_THAT(names, ElementsAreArray({"schema_version",
                                       "run_id",
                                       "machine_id",
                                       "build_id",
                                       "cell_id",
                                       "rep",
                                       "is_warmup",
                                       "run_order",
                                       "started_utc",
                                       "status",
                                       "error",
                                       "backend",
                                       "workers",
                                       "workers_spec",
                                       "cores",
                                       "workload",
                                       "strategy",
                                       "parsers",
                                       "tasks",
                                       "distribution",
                                       "task_ns",
                                       "callback_ns",
                                       "payload_bytes",
                                       "chunksize",
                                       "start_method",
                                       "seed",
                                       "in_flight",
                                       "arrivals",
                                       "arrivals_spec",
                                       "queue",
                                       "when_full",
                                       "callback_workload",
                                       "inputs",
                                       "deadline_ns",
                                       "makespan_ns",
                                       "pool_start_ns",
                                       "submit_ns",
                                       "pool_stop_ns",
                                       "longest_task_ns",
                                       "sum_task_ns",
                                       "callback_sum_ns",
                                       "callback_max_ns",
                                       "queue_wait_p50_ns",
                                       "queue_wait_p99_ns",
                                       "queue_wait_max_ns",
                                       "callback_lag_p50_ns",
                                       "callback_lag_p99_ns",
                                       "callback_lag_max_ns",
                                       "cpu_user_ns",
                                       "cpu_sys_ns",
                                       "main_cpu_ns",
                                       "ctx_switches_voluntary",
                                       "ctx_switches_involuntary",
                                       "rss_peak_bytes",
                                       "cgroup_throttled_ns",
                                       "load1",
                                       "sojourn_mean_ns",
                                       "sojourn_p50_ns",
                                       "sojourn_p95_ns",
                                       "sojourn_p99_ns",
                                       "sojourn_p999_ns",
                                       "sojourn_max_ns",
                                       "release_lag_p99_ns",
                                       "release_lag_max_ns",
                                       "rejected",
                                       "queue_max",
                                       "completed_per_s",
                                       "clients_mean",
                                       "late_by_deadline"}));
}

TEST(Columns, NameEveryFieldOnceAndDescribeIt) {
  std::set<std::string> descriptions;
  std::vector<Field> fields;
  for (const Column& column : sample_columns()) {
    EXPECT_TRUE(descriptions.emplace(column.description).second) << column.name;
    for (const Field& other : fields) EXPECT_FALSE(other == column.field) << column.name;
    fields.push_back(column.field);
    EXPECT_EQ(column.name.ends_with("_ns"), column.unit == "ns") << column.name;
    EXPECT_EQ(column.name.ends_with("_bytes"), column.unit == "bytes") << column.name;
  }
}

TEST(SampleOfACell, CopiesEveryFactor) {
  Cell cell = some_cell();
  cell.cell_id = cell_id(cell);
  cell.parsers = 3;
  cell.payload_bytes = 64;
  cell.chunksize = 5;
  const Sample sample = sample_of(cell);
  EXPECT_EQ(sample.cell_id, cell.cell_id);
  EXPECT_EQ(sample.backend, "thread");
  EXPECT_EQ(sample.workers, 4);
  EXPECT_EQ(sample.workers_spec, "cores*2");
  EXPECT_EQ(sample.cores, 2);
  EXPECT_EQ(sample.workload, "sleep");
  EXPECT_EQ(sample.strategy, "main");
  EXPECT_EQ(sample.parsers, 3);
  EXPECT_EQ(sample.tasks, 2);
  EXPECT_EQ(sample.distribution, "linear");
  EXPECT_EQ(sample.task_ns, 1'000);
  EXPECT_EQ(sample.callback_ns, 100);
  EXPECT_EQ(sample.payload_bytes, 64);
  EXPECT_EQ(sample.chunksize, 5);
  EXPECT_EQ(sample.start_method, "none");
  EXPECT_EQ(sample.seed, 7u);
  EXPECT_EQ(sample.status, "ok");
  EXPECT_EQ(sample.makespan_ns, 0);
}

TEST(CellId, IsTheSameForTheSameFactorsWhateverTheWorkersSpec) {
  Cell cell = some_cell();
  const std::string id = cell_id(cell);
  EXPECT_EQ(id.size(), 16u);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  cell.workers_spec = "4";
  cell.cell_id = "anything";
  EXPECT_EQ(cell_id(cell), id);
}

TEST(CellId, StaysWhatItWasWhenTheFileFormatDoes) {
  // Resuming matches ids of earlier builds' rows: this value changes only with kVersion in cell.cpp.
  EXPECT_EQ(cell_id(some_cell()), "e12e1c942fc989e6");
}

TEST(CellId, DiffersWhenAnyFactorDoes) {
  std::set<std::string> ids{cell_id(some_cell())};
  const auto differs = [&](auto change) {
    Cell cell = some_cell();
    change(cell);
    return ids.insert(cell_id(cell)).second;
  };
  EXPECT_TRUE(differs([](Cell& c) { c.backend = "process"; }));
  EXPECT_TRUE(differs([](Cell& c) { c.workers = 5; }));
  EXPECT_TRUE(differs([](Cell& c) { c.cores = 4; }));
  EXPECT_TRUE(differs([](Cell& c) { c.workload = "spin"; }));
  EXPECT_TRUE(differs([](Cell& c) { c.strategy = "worker"; }));
  EXPECT_TRUE(differs([](Cell& c) { c.parsers = 1; }));
  EXPECT_TRUE(differs([](Cell& c) { c.tasks = 3; }));
  EXPECT_TRUE(differs([](Cell& c) { c.distribution = "equal"; }));
  EXPECT_TRUE(differs([](Cell& c) { c.task_ns = 1'001; }));
  EXPECT_TRUE(differs([](Cell& c) { c.callback_ns = 101; }));
  EXPECT_TRUE(differs([](Cell& c) { c.payload_bytes = 1; }));
  EXPECT_TRUE(differs([](Cell& c) { c.chunksize = 2; }));
  EXPECT_TRUE(differs([](Cell& c) { c.start_method = "exec"; }));
  EXPECT_TRUE(differs([](Cell& c) { c.seed = 8; }));
  EXPECT_TRUE(differs([](Cell& c) { c.task_durations_ns = {1'000, 500}; }));
  EXPECT_TRUE(differs([](Cell& c) { c.callback_durations_ns = {100, 101}; }));
  EXPECT_TRUE(differs([](Cell& c) { c.task_durations_ns = {500, 1'000, 100}, c.callback_durations_ns = {100}; }));
}

TEST(Makespan, IsTheFirstSubmitToTheLastCallbacksEnd) {
  Trace trace;
  trace.tasks = {stamps(110, 120, 150, 160, 170), stamps(100, 130, 140, 170, 180)};
  EXPECT_EQ(makespan_ns(trace), 80);
}

TEST(Makespan, EndsWithTheLastTaskWhenThatIsLaterOrThereAreNoCallbacks) {
  Trace trace;
  trace.tasks = {stamps(100, 120, 150, 150, 160), stamps(100, 130, 300)};
  EXPECT_EQ(makespan_ns(trace), 200);
}

TEST(Measure, GivesSumsMaximaAndNearestRankPercentiles) {
  Trace trace;
  for (std::int64_t i = 1; i <= 4; ++i) {  // waits 10, 20, 30, 40; tasks 100, 200, ..; lags 1, 2, ..; callbacks 5, 10, ..
    const std::int64_t started = 1'000 + 10 * i;
    const std::int64_t finished = started + 100 * i;
    trace.tasks.push_back(stamps(1'000, started, finished, finished + i, finished + i + 5 * i));
  }
  trace.pool_start_ns = 71;
  trace.submit_ns = 72;
  trace.pool_stop_ns = 73;
  trace.resources = {.cpu_user_ns = 1,
                     .cpu_sys_ns = 2,
                     .main_cpu_ns = 3,
                     .ctx_switches_voluntary = 4,
                     .ctx_switches_involuntary = 5,
                     .rss_peak_bytes = 6,
                     .cgroup_throttled_ns = 7};
  Sample sample;
  measure(trace, sample);
  EXPECT_EQ(sample.makespan_ns, 40 + 400 + 4 + 20);
  EXPECT_EQ(sample.pool_start_ns, 71);
  EXPECT_EQ(sample.submit_ns, 72);
  EXPECT_EQ(sample.pool_stop_ns, 73);
  EXPECT_EQ(sample.longest_task_ns, 400);
  EXPECT_EQ(sample.sum_task_ns, 1'000);
  EXPECT_EQ(sample.callback_sum_ns, 50);
  EXPECT_EQ(sample.callback_max_ns, 20);
  EXPECT_EQ(sample.queue_wait_p50_ns, 20);  // the lower middle of four
  EXPECT_EQ(sample.queue_wait_p99_ns, 40);
  EXPECT_EQ(sample.queue_wait_max_ns, 40);
  EXPECT_EQ(sample.callback_lag_p50_ns, 2);
  EXPECT_EQ(sample.callback_lag_p99_ns, 4);
  EXPECT_EQ(sample.callback_lag_max_ns, 4);
  EXPECT_EQ(sample.cpu_user_ns, 1);
  EXPECT_EQ(sample.cpu_sys_ns, 2);
  EXPECT_EQ(sample.main_cpu_ns, 3);
  EXPECT_EQ(sample.ctx_switches_voluntary, 4);
  EXPECT_EQ(sample.ctx_switches_involuntary, 5);
  EXPECT_EQ(sample.rss_peak_bytes, 6);
  EXPECT_EQ(sample.cgroup_throttled_ns, 7);
}

TEST(Measure, TakesTheNinetyNinthOfAHundredValuesAndNotTheLargest) {
  Trace trace;
  for (std::int64_t i = 1; i <= 100; ++i) trace.tasks.push_back(stamps(0, i, i + 1));
  Sample sample;
  measure(trace, sample);
  EXPECT_EQ(sample.queue_wait_p50_ns, 50);
  EXPECT_EQ(sample.queue_wait_p99_ns, 99);
  EXPECT_EQ(sample.queue_wait_max_ns, 100);
}

TEST(Measure, LeavesCallbackFiguresAtZeroWithoutCallbacks) {
  Trace trace;
  trace.tasks = {stamps(1, 2, 3)};
  Sample sample;
  sample.callback_lag_max_ns = sample.callback_sum_ns = 99;  // of an earlier measurement
  measure(trace, sample);
  EXPECT_EQ(sample.callback_sum_ns, 0);
  EXPECT_EQ(sample.callback_lag_max_ns, 0);
}

TEST(ATrace, IsRefusedWhenStampsAreMissingOrOutOfOrder) {
  Cell cell = some_cell();
  Trace trace;
  trace.tasks = {stamps(1, 2, 3, 4, 5), stamps(1, 2, 3, 3, 3)};
  EXPECT_EQ(defect_of(trace, cell), "");

  trace.tasks[1].callback_started_ns = 2;
  EXPECT_THAT(defect_of(trace, cell), HasSubstr("task 1"));
  trace.tasks[1] = stamps(1, 2, 3);
  EXPECT_THAT(defect_of(trace, cell), HasSubstr("task 1"));
  trace.tasks[1] = stamps(3, 2, 3, 4, 5);
  EXPECT_THAT(defect_of(trace, cell), HasSubstr("task 1"));
  trace.tasks.pop_back();
  EXPECT_THAT(defect_of(trace, cell), HasSubstr("1 tasks"));

  cell.strategy = "none";
  trace.tasks = {stamps(1, 2, 3), stamps(1, 2, 3)};
  EXPECT_EQ(defect_of(trace, cell), "");
  trace.tasks[0] = stamps(1, 2, 3, 4, 5);
  EXPECT_THAT(defect_of(trace, cell), HasSubstr("task 0"));
}

TEST(Messages, CarryARequestAndAReplyUnchanged) {
  PreparedCell request;
  request.cell = some_cell();
  request.tasks = {{.kind = 1, .resource = 2, .wait_ns = 3, .compute_units = 4, .bytes = 5, .seed = 6}, {}};
  request.callbacks = {{}, {.kind = 9, .resource = 0, .wait_ns = 0, .compute_units = 0, .bytes = 0, .seed = 1}};
  request.context = {.scratch_directory = "/tmp/x", .ports = {80, 81}};
  const PreparedCell received = decode_request(encode(request));
  EXPECT_EQ(cell_id(received.cell), cell_id(request.cell));
  EXPECT_EQ(received.cell.workers_spec, "cores*2");
  ASSERT_EQ(received.tasks.size(), 2u);
  EXPECT_EQ(received.tasks[0].wait_ns, 3);
  EXPECT_EQ(received.tasks[0].seed, 6u);
  EXPECT_EQ(received.callbacks[1].kind, 9u);
  EXPECT_EQ(received.context.ports, request.context.ports);

  RepetitionReply reply;
  reply.error = "no";
  reply.trace.tasks = {stamps(1, 2, 3, 4, 5)};
  reply.trace.resources.rss_peak_bytes = 77;
  const RepetitionReply answered = decode_reply(encode(reply));
  EXPECT_EQ(answered.error, "no");
  EXPECT_EQ(answered.trace.tasks.at(0).callback_finished_ns, 5);
  EXPECT_EQ(answered.trace.resources.rss_peak_bytes, 77);
  EXPECT_ANY_THROW(decode_reply("short"));
}

TEST(CpuStat, IsReadInBothVersionsOfControlGroups) {
  EXPECT_EQ(cpu_stat_value("nr_periods 3\nnr_throttled 2\nthrottled_time 17\n", "throttled_time"), 17);
  EXPECT_EQ(cpu_stat_value("usage_usec 9\nthrottled_usec 21\n", "throttled_usec"), 21);
  EXPECT_EQ(cpu_stat_value("usage_usec 9\n", "throttled_usec"), 0);
}

TEST(PeakMemory, OfThisProcessIsPositiveAndOfNoProcessZero) {
  EXPECT_GT(peak_resident_bytes(::getpid()), 0);
  EXPECT_EQ(peak_resident_bytes(-1), 0);
}

}  // namespace
}  // namespace harness
