// What clients of a closed loop meet, from the traces of batches, beside cells of the same pool whose tasks arrive.

#include "harness/analysis/closed_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/plan/cell_builder.h"
#include "harness/sweep/sinks/tasks_csv.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kStep = 1'000'000;

// 40 tasks of 10 ms and their callbacks of 2 ms on two workers.
Cell cell_on_two_workers(const std::string& arrivals, const std::string& strategy = "worker", int workers = 2) {
  Factors factors;
  factors.backend = "thread";
  factors.workers = workers;
  factors.workers_spec = std::to_string(workers);
  factors.workload = "sleep";
  factors.strategy = strategy;
  factors.tasks = 40;
  factors.distribution = "equal";
  factors.task_ns = 10 * kStep;
  factors.callback_ns = 2 * kStep;
  factors.arrivals = arrivals;
  return CellBuilder(canonical(factors)).build();
}

Sample ended_well(const Cell& cell, int rep) {
  Sample sample = sample_of(cell);
  sample.run_id = "run";
  sample.rep = rep;
  sample.makespan_ns = 240 * kStep;
  return sample;
}

// Task i stays for 12 ms and i us more.
Trace trace_of(const Cell& cell) {
  Trace trace;
  for (int i = 0; i < cell.tasks; ++i) {
    TaskTrace task;
    task.submitted_ns = 1 + i;
    task.started_ns = (i + 1) * kStep;
    task.finished_ns = task.started_ns + 10 * kStep;
    task.callback_started_ns = task.finished_ns;
    task.callback_finished_ns = task.finished_ns + 2 * kStep + 1000 * i;
    trace.tasks.push_back(task);
  }
  return trace;
}

class ClosedLoops : public testing::Test {
 protected:
  // Of all cells one repetition, the first of them traced.
  std::vector<ClosedLoop> of(const std::vector<Cell>& cells, const std::string& traced_by = "run") {
    std::vector<Sample> rows;
    for (const Cell& cell : cells) rows.push_back(ended_well(cell, 0));
    std::filesystem::create_directories(directory_ / "tasks");
    write_text(directory_ / ("tasks/" + traced_by + ".csv"),
               tasks_csv_header() + tasks_csv_rows(cells[0].cell_id, 0, trace_of(cells[0])));
    return closed_loops(analyse_rows(rows, cells), directory_.path());
  }

  const TestDirectory directory_;
};

TEST_F(ClosedLoops, HaveHowLongEachRequestWasServed) {
  const std::vector<ClosedLoop> loops = of({cell_on_two_workers("closed"), cell_on_two_workers("constant:100/s")});
  ASSERT_THAT(loops, SizeIs(1));
  EXPECT_EQ(loops[0].cell, 0U);
  EXPECT_EQ(loops[0].clients, 40);
  EXPECT_EQ(loops[0].p50.value, 12 * kStep + 19'000);
  EXPECT_EQ(loops[0].p99.value, 12 * kStep + 39'000);
  EXPECT_EQ(loops[0].max_ns, 12 * kStep + 39'000);
  EXPECT_EQ(loops[0].predicted_p50_ns, 12 * kStep);
  EXPECT_EQ(loops[0].predicted_p99_ns, 12 * kStep);
}

TEST_F(ClosedLoops, StandBesideArrivalsOnTheSamePoolOnly) {
  const Cell batch = cell_on_two_workers("closed");
  EXPECT_THAT(of({batch}), IsEmpty());
  EXPECT_THAT(of({batch, cell_on_two_workers("constant:100/s", "worker", 3)}), IsEmpty());
  EXPECT_THAT(of({batch, cell_on_two_workers("constant:100/s", "none")}), IsEmpty());
}

TEST_F(ClosedLoops, AreNoneWhereSomebodyElseServesClientsToo) {
  EXPECT_THAT(of({cell_on_two_workers("closed", "main"), cell_on_two_workers("constant:100/s", "main")}), IsEmpty());
}

TEST_F(ClosedLoops, AreOfRepetitionsThatCountOnly) {
  EXPECT_THAT(of({cell_on_two_workers("closed"), cell_on_two_workers("constant:100/s")}, "an_earlier_run"), IsEmpty());
}

}  // namespace
}  // namespace harness
