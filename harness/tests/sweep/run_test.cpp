// Runs, with real repetitions of a few milliseconds: what is kept, what is resumed, what is told at the end.

#include "harness/sweep/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "harness/base/errors.h"
#include "harness/plan/plan.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/sweep/sinks/context.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kSuite = R"(
name = "small"
runs = 2
warmup = 0
[[grid]]
backend = ["thread", "process"]
workload = "sleep"
workers = 2
tasks = 2
task = "1ms"
)";

class Runs : public testing::Test {
 protected:
  using Run = harness::Run;  // not testing::Test::Run

  Runs() { testing::internal::CaptureStderr(); }  // the line of progress
  ~Runs() override { testing::internal::GetCapturedStderr(); }

  RunSettings settings() const {
    return {.arguments = {"poolbench", "run", "small.toml"},
            .environment = environment_,
            .suite = &suite_,
            .directory = directory_ / "out",
            .calibration = workloads::Calibration{}};  // `sleep` needs none
  }
  std::vector<Context> contexts() const { return read_contexts(directory_ / "out"); }

  const TestDirectory directory_;
  const Suite suite_ = parse_suite(kSuite, "small.toml");
  const Environment environment_ = read_environment();
  const Plan plan_ = make_plan(suite_, {.cores = environment_.cores});
};

TEST_F(Runs, KeepTheRowsAndWhatExplainsThem) {
  Run run(settings());
  const SweepOutcome outcome = run.measure(plan_, {});
  EXPECT_EQ(outcome.run, 4);
  EXPECT_EQ(exit_code(outcome), kExitOk);
  const std::vector<Sample> rows = read_results(directory_ / "out/results.csv");
  ASSERT_THAT(rows, SizeIs(4));
  EXPECT_EQ(content(directory_ / "out/suite.toml"), kSuite);
  EXPECT_THAT(read_cells(directory_ / "out"), SizeIs(2));
  ASSERT_THAT(contexts(), SizeIs(1));
  EXPECT_EQ(contexts().front().run_id, rows.front().run_id);
  EXPECT_THAT(contexts().front().argv, testing::ElementsAre("poolbench", "run", "small.toml"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out/tasks"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out/evidence"));
}

TEST_F(Runs, KeepTaskAndEvidenceFilesIfTheyAreTo) {
  RunSettings wanted = settings();
  wanted.task_files = wanted.evidence_files = true;
  Run run(std::move(wanted));
  run.measure(plan_, {});
  const std::string file = run.options().run_id + ".csv";
  EXPECT_THAT(content(directory_ / ("out/tasks/" + file)), Not(IsEmpty()));
  EXPECT_THAT(content(directory_ / ("out/evidence/" + file)), Not(IsEmpty()));
}

TEST_F(Runs, MeasureOnlyWhatIsMissingAndWriteNothingWhereNothingIs) {
  { Run(settings()).measure(plan_, {}); }
  Run again(settings());
  EXPECT_THAT(missing_steps(plan_, again.options()), IsEmpty());
  EXPECT_EQ(again.measure(plan_, {}).steps, 0);
  EXPECT_THAT(contexts(), SizeIs(1));
  EXPECT_EQ(again.measure(make_plan(suite_, {.cores = environment_.cores, .runs = 3}), {}).run, 2);
  EXPECT_THAT(contexts(), SizeIs(2));
  EXPECT_THAT(read_results(directory_ / "out/results.csv"), SizeIs(6));
}

TEST_F(Runs, MeasureAgainTheRowsThatDoNotCount) {
  { Run(settings()).measure(plan_, {}); }
  RunSettings wanted = settings();
  wanted.counts = [](const Sample& row) { return row.backend == "thread"; };
  Run again(std::move(wanted));
  EXPECT_THAT(again.options().present, SizeIs(2));
  EXPECT_EQ(again.measure(plan_, {}).run, 2);
}

TEST_F(Runs, WriteDownTheCellsOfEachRoundAndTheRestOnce) {
  Run run(settings());
  CollectingSink collected(false);
  Plan first = plan_;
  first.cells.pop_back();
  run.measure(first, {&collected});
  for (const auto& [row, trace] : collected.repetitions) run.options().present.push_back(row);
  EXPECT_EQ(run.measure(plan_, {}).run, 2);
  EXPECT_THAT(read_cells(directory_ / "out"), SizeIs(2));
  EXPECT_THAT(contexts(), SizeIs(1));
}

TEST_F(Runs, PutAnOldDirectoryAwayIfTheyAreTo) {
  { Run(settings()).measure(plan_, {}); }
  RunSettings wanted = settings();
  wanted.put_old_away = true;
  Run fresh(std::move(wanted));
  EXPECT_THAT(fresh.options().present, IsEmpty());
  EXPECT_THAT(read_results(directory_ / "out.old-1/results.csv"), SizeIs(4));
}

TEST_F(Runs, LeaveADirectoryThatAnotherRunWritesInto) {
  Run writing(settings());
  RunSettings wanted = settings();
  wanted.put_old_away = true;
  EXPECT_THAT([&] { Run(std::move(wanted)); }, testing::ThrowsMessage<ConfigError>(HasSubstr("another run")));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "out.old-1"));
}

TEST_F(Runs, TakeTheCalibrationOfTheLatestRunThere) {
  RunSettings calibrated = settings();
  calibrated.calibration->spin_units_per_ns = 42;
  { Run(std::move(calibrated)).measure(plan_, {}); }
  RunSettings wanted = settings();
  wanted.calibration.reset();
  Run run(std::move(wanted));
  run.measure(plan_, {});
  EXPECT_EQ(run.calibration().spin_units_per_ns, 42);
}

TEST_F(Runs, MeasureWhatEachOfTheirEventLoopsCostsOnce) {
  const Suite loops = parse_suite(R"(
name = "loops"
runs = 1
warmup = 0
[[grid]]
backend = ["thread", "coroutine"]
workload = "sleep"
workers = [1, 2]
tasks = 2
task = "1ms"
)",
                                  "loops.toml");
  const Plan plan = make_plan(loops, {.cores = environment_.cores});
  RunSettings wanted = settings();
  wanted.suite = &loops;
  { Run(std::move(wanted)).measure(plan, {}); }
  ASSERT_THAT(contexts(), SizeIs(1));
  const auto costs = contexts().front().calibration.loops;
  ASSERT_THAT(costs, SizeIs(2));
  EXPECT_GT(costs.at({"coroutine", 1}).wake_ns + costs.at({"coroutine", 1}).dispatch_ns, 0);
  EXPECT_TRUE(costs.contains({"coroutine", 2}));

  RunSettings later = settings();
  later.suite = &loops;
  later.calibration.reset();
  Run again(std::move(later));
  again.measure(make_plan(loops, {.cores = environment_.cores, .runs = 2}), {});
  EXPECT_EQ(again.calibration().loops.at({"coroutine", 1}).wake_ns, costs.at({"coroutine", 1}).wake_ns);
}

TEST_F(Runs, WithoutADirectoryGiveTheRowsToTheCommandOnly) {
  Run run({.calibration = workloads::Calibration{}});
  CollectingSink collected(true);
  EXPECT_EQ(run.measure(plan_, {&collected}).run, 4);
  EXPECT_THAT(collected.repetitions, SizeIs(4));
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(Runs, SayHowTheyAreResumedWhereAnythingIs) {
  SweepOutcome outcome;
  outcome.steps = 4;
  outcome.run = 1;
  EXPECT_EQ(Run(settings()).interrupted_text(outcome),
            "poolbench: interrupted after 1 of 4 repetitions; resume with: poolbench run small.toml\n");
  RunSettings fresh = settings();
  fresh.put_old_away = true;
  EXPECT_THAT(Run(std::move(fresh)).interrupted_text(outcome), EndsWith("1 of 4 repetitions\n"));
  EXPECT_THAT(Run({}).interrupted_text(outcome), EndsWith("1 of 4 repetitions\n"));
}

TEST_F(Runs, EndWithTheExitCodeOfTheWorstThatHappened) {
  SweepOutcome outcome;
  EXPECT_EQ(exit_code(outcome), kExitOk);
  outcome.failed_before = 1;
  EXPECT_EQ(exit_code(outcome), kExitCellsFailed);
  outcome.failed_before = 0;
  outcome.failed = 1;
  EXPECT_EQ(exit_code(outcome), kExitCellsFailed);
  outcome.interrupted = true;
  EXPECT_EQ(exit_code(outcome), kExitInterrupted);
}

TEST_F(Runs, AreInterruptedOverWhatIsNoSweepToo) {
  std::signal(SIGINT, SIG_DFL);  // a shell's background job has it ignored, and a run leaves it so
  Run run({.calibration = workloads::Calibration{}});
  const bool interrupted = run.interruptibly([&](CellRunner& runner) {
    std::raise(SIGINT);
    return runner.run(plan_.cells.front().cell, std::chrono::seconds(50)).interrupted;
  });
  EXPECT_TRUE(interrupted);
}

}  // namespace
}  // namespace harness
