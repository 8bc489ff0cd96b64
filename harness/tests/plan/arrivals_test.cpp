// Arrivals as a factor: what a suite may say, what becomes of it in a cell, and what is refused.

#include "harness/plan/arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <string>

#include "harness/base/errors.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/plan.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string refusal_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

Plan arriving(const std::string& grid, int cores = 2) {
  PlanOptions options;
  options.cores = cores;
  return make_plan(parse_suite("name = \"a\"\n[[grid]]\n" + grid, "a.toml"), options);
}

std::string refused(const std::string& grid) {
  return refusal_of([&] { arriving(grid); });
}

const std::string kBase = "backend = \"thread\"\nworkload = \"sleep\"\ntask = \"10ms\"\nworkers = 4\n";

TEST(Arrivals, OfOneMeaningHaveOneForm) {
  EXPECT_EQ(canonical_arrivals("poisson:0.3/ms", 0), "poisson:300/s");
  EXPECT_EQ(canonical_arrivals("constant:90/min", 0), "constant:1.5/s");
  EXPECT_EQ(canonical_arrivals("poisson:0.5*capacity", 400), "poisson:200/s");
  EXPECT_EQ(canonical_arrivals("constant:capacity", 2.5), "constant:2.5/s");
  EXPECT_EQ(canonical_arrivals("burst:5@1s", 0), "burst:5@1s");
  EXPECT_TRUE(needs_capacity("poisson:0.5*capacity"));
  EXPECT_FALSE(needs_capacity("trace:capacity"));
  EXPECT_EQ(canonical_arrivals("poisson:0.5*cores", 400), "poisson:200/s");
  EXPECT_TRUE(needs_capacity("constant:cores"));
}

TEST(Arrivals, OfAShareOfTheCoresAreTheSameOnAnyNumberOfWorkers) {
  const Plan plan = arriving(
      "backend = \"thread\"\nworkload = \"mixed:9\"\ntask = \"10ms\"\nworkers = [1, 40]\nduration = \"1s\"\n"
      "distribution = \"exponential\"\narrivals = \"poisson:0.5*cores\"\n");
  ASSERT_THAT(plan.cells, SizeIs(2));
  EXPECT_EQ(plan.cells[0].cell.tasks, 1000);  // half of what two cores do, 1 ms each
  EXPECT_EQ(plan.cells[0].cell.arrivals, plan.cells[1].cell.arrivals);
  EXPECT_EQ(plan.cells[0].cell.arrivals_ns, plan.cells[1].cell.arrivals_ns);
  EXPECT_EQ(plan.cells[0].cell.arrivals_spec, "poisson:0.5*cores");
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"poisson:0.5*cores\"\n"), HasSubstr("nothing but workers bounds"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"poisson:0.5cores\"\n"), HasSubstr("NUMBER*cores"));
}

TEST(Arrivals, KeepWhatTheSuiteWrote) {
  const Plan plan = arriving(kBase + "tasks = 50\narrivals = [\"poisson:0.8*capacity\", \"closed\"]\n");
  ASSERT_THAT(plan.cells, SizeIs(2));
  const Cell& cell = plan.cells[0].cell;
  EXPECT_EQ(cell.arrivals, "poisson:320/s");  // 4 workers, 10 ms each
  EXPECT_EQ(cell.arrivals_spec, "poisson:0.8*capacity");
  EXPECT_EQ(cell.arrivals_ns, arrival_times("poisson:320/s", 50, cell.seed));
  EXPECT_THAT(describe(cell), HasSubstr("arrivals=poisson:320/s (poisson:0.8*capacity)"));
  EXPECT_THAT(plan.cells[1].cell.arrivals_ns, SizeIs(0));
  EXPECT_EQ(plan.cells[1].cell.seed, cell.seed);  // the same tasks
  EXPECT_NE(plan.cells[1].cell.cell_id, cell.cell_id);
}

TEST(Arrivals, OfComparedCellsAreTheSameClients) {
  const Plan plan = arriving(
      "backend = [\"thread\", \"process\"]\nworkload = \"sleep\"\ntask = \"10ms\"\nworkers = [1, 4]\ntasks = 50\n"
      "arrivals = \"poisson:300/s\"\nstrategy = [\"none\", \"main\"]\n");
  ASSERT_THAT(plan.cells, SizeIs(8));
  for (const PlannedCell& planned : plan.cells) EXPECT_EQ(planned.cell.arrivals_ns, plan.cells[0].cell.arrivals_ns);
}

TEST(Arrivals, WithoutABoundOfTheQueueAndBatchesWithOneHaveTheDefaults) {
  const Plan plan = arriving(
      kBase + "tasks = 5\narrivals = [\"closed\", \"constant:10/s\"]\nqueue = [0, 8]\nwhen_full = [\"block\", \"reject\"]\n");
  ASSERT_THAT(plan.cells, SizeIs(4));  // closed; no bound; bounded twice
  EXPECT_EQ(plan.cells[0].cell.queue, 0);
  EXPECT_EQ(plan.cells[0].cell.when_full, "none");
  EXPECT_EQ(plan.cells[1].cell.when_full, "none");
  EXPECT_EQ(plan.cells[2].cell.queue, 8);
  EXPECT_EQ(plan.cells[2].cell.when_full, "block");
  EXPECT_EQ(plan.cells[3].cell.when_full, "reject");
  std::string skipped;
  for (const Skip& skip : plan.skips) skipped += skip.what + ": " + skip.reason + "\n";
  EXPECT_THAT(skipped, HasSubstr("queue bounds tasks that arrive only"));
  EXPECT_EQ(arriving(kBase + "tasks = 5\narrivals = \"constant:10/s\"\nqueue = 8\n").cells[0].cell.when_full, "block");
}

// A deadline decides who is late, and neither who comes nor what is done.
TEST(Arrivals, MayHaveADeadline) {
  const Plan plan = arriving(kBase + "tasks = 5\narrivals = [\"closed\", \"constant:10/s\"]\ndeadline = [\"0s\", \"200ms\"]\n");
  ASSERT_THAT(plan.cells, SizeIs(3));
  EXPECT_EQ(plan.cells[0].cell.deadline_ns, 0);
  EXPECT_EQ(plan.cells[1].cell.deadline_ns, 0);
  const Cell& cell = plan.cells[2].cell;
  EXPECT_EQ(cell.deadline_ns, 200'000'000);
  EXPECT_EQ(cell.seed, plan.cells[1].cell.seed);
  EXPECT_EQ(cell.arrivals_ns, plan.cells[1].cell.arrivals_ns);
  EXPECT_NE(cell.cell_id, plan.cells[1].cell.cell_id);
  EXPECT_THAT(describe(cell), HasSubstr(" deadline=200ms"));
  const Plan without = arriving(kBase + "tasks = 5\narrivals = [\"closed\", \"constant:10/s\"]\n");
  EXPECT_EQ(without.cells[0].cell.cell_id, plan.cells[0].cell.cell_id);
  EXPECT_EQ(without.cells[1].cell.cell_id, plan.cells[1].cell.cell_id);
  std::string skipped;
  for (const Skip& skip : plan.skips) skipped += skip.what + ": " + skip.reason + "\n";
  EXPECT_THAT(skipped, HasSubstr("deadline=200ms"));
  EXPECT_THAT(skipped, HasSubstr("a deadline is of tasks that arrive only"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"constant:10/s\"\ndeadline = \"soon\"\n"), HasSubstr("'soon'"));
}

TEST(Arrivals, WrittenInTwoWaysAreOneCell) {
  const Plan plan = arriving(kBase + "tasks = 5\narrivals = [\"constant:60/min\", \"constant:1/s\"]\n");
  ASSERT_THAT(plan.cells, SizeIs(1));
  ASSERT_THAT(plan.skips, SizeIs(1));
  EXPECT_THAT(plan.skips[0].reason, HasSubstr("two ways to write the same arrivals"));
}

TEST(Arrivals, LastAsLongAsADurationSays) {
  EXPECT_EQ(tasks_within("constant:300/s", milliseconds(2000)), 600);
  EXPECT_EQ(tasks_within("burst:5@1s", milliseconds(2000)), 10);
  EXPECT_EQ(tasks_within("burst:5@1s", milliseconds(2001)), 15);
  EXPECT_EQ(arriving(kBase + "duration = \"2s\"\narrivals = \"poisson:300/s\"\n").cells[0].cell.tasks, 600);
  EXPECT_EQ(arriving(kBase + "duration = \"2s\"\narrivals = \"poisson:0.5*capacity\"\n").cells[0].cell.tasks, 400);
}

TEST(Arrivals, AreSkippedWhereTheyHaveNoMeaning) {
  const Plan plan = arriving(
      "backend = [\"thread\", \"process\", \"inline\", \"thread_per_task\", \"cpython_thread\"]\nworkload = \"sleep\"\n"
      "task = \"10ms\"\nworkers = 2\ntasks = 5\nstrategy = [\"none\", \"sync\", \"map\"]\narrivals = \"constant:10/s\"\n"
      "queue = [0, 3]\nwhen_full = \"caller_runs\"\n");
  std::string kept;
  for (const PlannedCell& planned : plan.cells) kept += planned.cell.backend + " " + planned.cell.when_full + ", ";
  EXPECT_EQ(kept, "thread none, process none, thread_per_task none, cpython_thread none, thread caller_runs, ");
  std::string skipped;
  for (const Skip& skip : plan.skips) skipped += skip.reason + "\n";
  EXPECT_THAT(skipped, HasSubstr("sync has no meaning: nobody submits before the callback before has ended"));
  EXPECT_THAT(skipped, HasSubstr("it is given all tasks at once"));
  EXPECT_THAT(skipped, HasSubstr("inline: submit runs the task"));
  EXPECT_THAT(skipped, HasSubstr("cpython_thread: its queue has no bound"));
  EXPECT_THAT(skipped, HasSubstr("thread_per_task: its queue has no bound"));
  EXPECT_THAT(skipped, HasSubstr("process: who finds its queue full cannot run the task"));
}

TEST(Arrivals, AreRefusedWithFileAndLine) {
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"poisson:0/s\"\n"), HasSubstr("a.toml:8: bad rate '0/s'"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"poisson:-300/s\"\n"), HasSubstr("-300"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"poisson:0*capacity\"\n"), HasSubstr("the rate is 0"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"constant:1000001/s\"\n"), HasSubstr("more than one thread can release"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"weekly:3\"\n"), HasSubstr("there is no kind 'weekly'"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"0ms,1ms\"\n"), HasSubstr("give 2 times for 5 tasks"));
  EXPECT_THAT(refused(kBase + "tasks = 2\narrivals = \"2ms,1ms\"\n"), HasSubstr("go backwards: 2ms comes before 1ms"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"trace:/nonexistent\"\n"), HasSubstr("/nonexistent"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"constant:10/s\"\nqueue = -1\n"), HasSubstr("-1"));
  EXPECT_THAT(refused(kBase + "tasks = 5\narrivals = \"constant:10/s\"\nqueue = 5\nwhen_full = \"wait\"\n"),
              HasSubstr("unknown when_full 'wait'; allowed: block, reject, caller_runs"));
  EXPECT_THAT(refused(kBase + "arrivals = \"constant:10/s\"\nduration = \"99ms\"\n"),
              HasSubstr("a.toml:8: arrivals 'constant:10/s' within 99ms are 0 tasks"));
  EXPECT_THAT(refused(kBase + "arrivals = \"constant:10/s\"\nduration = \"1s\"\ntasks = 5\n"), HasSubstr("one of them"));
  EXPECT_THAT(refused(kBase + "duration = \"1s\"\n"), HasSubstr("'duration' says how long tasks arrive"));
  EXPECT_THAT(refused(
                  "backend = \"thread\"\nworkload = \"sleep\"\ntask = \"0s\"\ntasks = 5\narrivals = \"poisson:0.5*capacity\"\n"),
              HasSubstr("no capacity"));
}

// The file of a trace may be gone when the run is looked at.
TEST(Arrivals, OfATraceAreWrittenDown) {
  const TestDirectory directory;
  write_text(directory / "trace", "0s\n5ms\n5ms\n");
  const std::string trace = "trace:" + (directory / "trace").string();
  const Plan plan = arriving(kBase + "tasks = 3\narrivals = [\"" + trace + "\", \"poisson:300/s\"]\n");
  write_cells(directory.path(), "run", plan);
  write_text(directory / "trace", "0s\n5ms\n6ms\n");
  EXPECT_NE(arriving(kBase + "tasks = 3\narrivals = \"" + trace + "\"\n").cells[0].cell.cell_id, plan.cells[0].cell.cell_id);
  std::filesystem::remove(directory / "trace");
  const std::vector<Cell> cells = read_cells(directory.path());
  ASSERT_THAT(cells, SizeIs(2));
  EXPECT_THAT(cells[0].arrivals_ns, ElementsAre(0, 5'000'000, 5'000'000));
  EXPECT_EQ(cells[1].arrivals_ns, plan.cells[1].cell.arrivals_ns);
  EXPECT_EQ(cells[1].cell_id, plan.cells[1].cell.cell_id);
}

}  // namespace
}  // namespace harness
