// Who ran what, from traces made by hand and from what the pools really do.

#include "harness/core/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "harness/base/errors.h"
#include "harness/engine/child_runner.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/tests/verdict_samples.h"

namespace harness {
namespace {

using testing_verdict::claim_named;
using testing_verdict::sample_with;

// Process 100 submits on thread 100.
TaskTrace task_ran(std::int32_t pid, std::int32_t tid, std::int64_t start, std::int64_t end) {
  TaskTrace trace;
  trace.pid = pid;
  trace.tid = tid;
  trace.started_ns = start;
  trace.finished_ns = end;
  return trace;
}
TaskTrace with_callback(TaskTrace trace, std::int32_t pid, std::int32_t tid, std::int64_t start, std::int64_t end) {
  trace.callback_pid = pid;
  trace.callback_tid = tid;
  trace.callback_started_ns = start;
  trace.callback_finished_ns = end;
  return trace;
}

Trace mixed_trace() {
  Trace trace;
  trace.main_pid = 100;
  trace.submitter_tid = 100;
  trace.tasks = {
      with_callback(task_ran(100, 101, 0, 10), 100, 101, 10, 11),   // its own worker
      with_callback(task_ran(100, 102, 0, 10), 100, 101, 11, 13),   // another worker, after the first
      with_callback(task_ran(100, 102, 10, 20), 100, 100, 20, 24),  // the submitter
      with_callback(task_ran(200, 200, 5, 20), 100, 103, 22, 30),   // a thread of the main process; 2 ns beside the submitter
      with_callback(task_ran(200, 200, 20, 30), 300, 300, 40, 56),  // another process
  };
  return trace;
}

TEST(Evidence, counts_every_callback_once_by_who_ran_it) {
  const Evidence evidence = evidence_of(mixed_trace());
  EXPECT_EQ(evidence.callbacks, 5);
  EXPECT_EQ(evidence.own_worker_ns, 1);
  EXPECT_EQ(evidence.other_worker_ns, 2);
  EXPECT_EQ(evidence.submitter_ns, 4);
  EXPECT_EQ(evidence.main_ns, 8);
  EXPECT_EQ(evidence.elsewhere_ns, 16);
  EXPECT_EQ(evidence.in_main_process_ns(), 12);
  EXPECT_EQ(evidence.overlap_ns, 2);
  EXPECT_EQ(evidence.callback_threads, 4);
  EXPECT_EQ(evidence.workers, 3);
  EXPECT_EQ(evidence.tasks_at_once, 3);
}

TEST(Evidence, counts_the_time_of_three_callbacks_at_once_twice) {
  Trace trace;
  trace.tasks = {with_callback(task_ran(1, 2, 0, 1), 1, 3, 10, 20), with_callback(task_ran(1, 2, 1, 2), 1, 4, 10, 20),
                 with_callback(task_ran(1, 2, 2, 3), 1, 5, 15, 20)};
  EXPECT_EQ(evidence_of(trace).overlap_ns, 5 + 2 * 5);
  EXPECT_EQ(evidence_of(Trace{}).callbacks, 0);
  EXPECT_EQ(callbacks_text(evidence_of(Trace{})), "");
}

TEST(Evidence, survives_the_way_through_its_file) {
  std::string name = (std::filesystem::temp_directory_path() / "poolbench-evidence-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const std::filesystem::path directory = name;
  const Cell cell = cell_of(claim_named("who_process_main"), 2);
  const Trace trace = mixed_trace();
  EXPECT_TRUE(read_evidence(directory).empty());
  {
    EvidenceCsvSink sink(directory, "run");
    sink.row(cell, sample_with(cell, 3, 1), &trace);
    Sample failed = sample_with(cell, 4, 1);
    failed.status = "crash";
    sink.row(cell, failed, &trace);
    sink.row(cell, sample_with(cell, 5, 1), nullptr);
  }
  std::ofstream(directory / "evidence/run.csv", std::ios::app) << "torn,1,2";
  const EvidenceOf read = read_evidence(directory);
  ASSERT_EQ(read.size(), 1U);
  const Evidence& evidence = read.at({"run", cell.cell_id, 3});
  EXPECT_EQ(evidence.elsewhere_ns, 16);
  EXPECT_EQ(evidence.tasks_at_once, 3);
  std::ofstream(directory / "evidence/other.csv") << "something,else\n1,2\n";
  EXPECT_THROW(read_evidence(directory), ConfigError);
  std::filesystem::remove_all(directory);
}

// The experiments and the evidence of real pools; scale 1 of the claims takes a fifth of a second each.
class Experiments : public testing::TestWithParam<const char*> {};

TEST_P(Experiments, leave_the_evidence_that_their_claims_expect) {
  const std::unique_ptr<CellRunner> runner = make_child_runner({});
  const Claim& claim = claim_named(GetParam());
  const Cell cell = cell_of(claim, 2);
  ASSERT_EQ(runner->check_digests(cell, std::chrono::seconds(60)), "");
  const RepetitionResult result = runner->run(cell, std::chrono::seconds(60));
  ASSERT_EQ(result.sample.status, "ok") << result.sample.error;
  const Evidence evidence = evidence_of(*result.trace);
  const ClaimPrediction prediction = predict(claim, 2);
  const Observation observation{&result.sample, &result.sample, &evidence};
  const std::int64_t measured = claim.measure({&observation, 1});
  // Sleeps are never short; who ran a callback does not depend on how long it took.
  if (prediction.model_ns == 0) {
    EXPECT_LT(measured, prediction.gap_ns);
  } else {
    EXPECT_GE(measured, prediction.model_ns);
  }
}
INSTANTIATE_TEST_SUITE_P(all, Experiments,
                         testing::Values("who_thread_idle", "who_thread_worker", "who_thread_attached_late", "who_process_main",
                                         "who_process_attached_late", "who_process_one_at_a_time", "who_remedy",
                                         "shutdown_runs_all_threads", "shutdown_runs_all_processes", "shutdown_refuses_threads",
                                         "shutdown_refuses_processes"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace harness
