// A merged directory, analysed: machines as blocks.

#include "harness/analysis/machine_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "harness/analysis/comparison.h"
#include "harness/analysis/over_blocks.h"
#include "harness/base/errors.h"
#include "harness/report/derived.h"
#include "harness/report/report.h"
#include "harness/sweep/merge/merge.h"
#include "harness/tests/front_cells.h"
#include "harness/tests/sweep/part_runs.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing_parts::leave;
using testing_parts::PartRun;

// Threads take 10 ms with one worker and half of it with two, processes a tenth more; all of it times how slow the node is.
std::int64_t usual(const Cell& cell, double slowness, int rep) {
  const double ms = 10.0 / cell.workers * (cell.backend == "process" ? 1.1 : 1.0) * cell.tasks;
  return std::llround(ms * slowness * 1e6 * (1 + 0.0001 * rep));
}

class MergedRuns : public testing::Test {
 protected:
  void replicate(int index, int count, const std::string& node, double slowness) {
    PartRun run{.directory = node, .part = {PartKind::replicate, index, count}, .node = node};
    run.makespan_ns = [slowness](const Cell& cell, int rep) { return usual(cell, slowness, rep); };
    leave(directory_ / "parts", run);
  }

  Analysis merged() {
    const Sources sources = read_sources({directory_ / "parts"});
    merge_into(directory_ / "merged", sources, status_of(sources));
    return look_at(directory_ / "merged", cells_of_all_claims);
  }

  const TestDirectory directory_;
};

TEST_F(MergedRuns, HaveAMedianPerMachineAndTheirGeometricMean) {
  replicate(1, 3, "n1", 1.0);
  replicate(2, 3, "n2", 1.21);
  replicate(3, 3, "n3", 1.1);
  const Analysis analysis = merged();
  ASSERT_THAT(analysis.blocks, SizeIs(3));
  EXPECT_THAT(analysis.cells, SizeIs(8));  // not 24: a machine is no other cell
  for (const CellSummary& cell : analysis.cells) {
    ASSERT_THAT(cell.blocks, SizeIs(3));
    EXPECT_THAT(cell.makespans_ns, SizeIs(6));
    const double first = static_cast<double>(cell.blocks[0].median_ns);
    EXPECT_NEAR(static_cast<double>(*cell.median_ns), first * 1.1, first * 1e-3);  // of 1, 1.21 and 1.1
    EXPECT_LE(cell.interval.lower, *cell.median_ns);
    EXPECT_NEAR(cell.interval.coverage, 0.95, 1e-9);
  }
}

// Machines differ by a fifth, and yet processes take a tenth longer on each: the block takes the difference of the machines out.
TEST_F(MergedRuns, DecideWithinMachines) {
  replicate(1, 3, "n1", 1.0);
  replicate(2, 3, "n2", 1.2);
  replicate(3, 3, "n3", 0.9);
  const Analysis analysis = merged();
  for (const CellSummary& cell : analysis.cells) {
    ASSERT_TRUE(cell.ratio);
    EXPECT_EQ(cell.best, cell.factors.backend == "thread" && cell.factors.workers == 2);
    if (cell.factors.backend == "process" && cell.factors.workers == 2) {
      EXPECT_FALSE(cell.tie);
      EXPECT_NEAR(cell.ratio->estimate, 1.1, 1e-3);
      EXPECT_NEAR(cell.ratio->lower, 1.1, 0.01);
    }
  }
  EXPECT_THAT(disagreements(analysis), IsEmpty());
}

TEST_F(MergedRuns, TellHowMuchSlowerANodeIs) {
  replicate(1, 2, "n1", 1.0);
  replicate(2, 2, "n2", 1.21);
  const Analysis analysis = merged();
  const std::vector<NodeEffect> effects = node_effects(analysis);
  ASSERT_THAT(effects, SizeIs(2));
  EXPECT_EQ(effects[1].cells, 8u);
  EXPECT_FALSE(effects[1].computing);
  EXPECT_NEAR(effects[1].ratio.estimate, 1.1, 1e-3);  // than the mean of both
  std::ostringstream text;
  print_verdict(analysis, text);
  EXPECT_THAT(text.str(), AllOf(HasSubstr("n2: 10.0 % slower"), HasSubstr("On each machine the best over all is the best")));
  derive(directory_ / "merged", analysis);
  EXPECT_THAT(content(directory_ / "merged/derived/machines.csv"), HasSubstr(",n2,m1,2,"));
}

TEST_F(MergedRuns, NameTheMachineThatDisagrees) {
  replicate(1, 3, "n1", 1.0);
  replicate(2, 3, "n2", 1.0);
  PartRun odd{.directory = "n3", .part = {PartKind::replicate, 3, 3}, .node = "n3", .reps = 2};
  odd.makespan_ns = [](const Cell& cell, int rep) { return usual(cell, cell.backend == "thread" ? 1.3 : 1.0, rep); };
  leave(directory_ / "parts", odd);
  const Analysis analysis = merged();
  const CellSummary* processes = nullptr;
  for (const CellSummary& cell : analysis.cells) {
    if (cell.factors.backend == "process" && cell.factors.workers == 2) processes = &cell;
  }
  ASSERT_NE(processes, nullptr);
  EXPECT_TRUE(processes->best || processes->tie);  // a tenth slower on two, faster on the third: no verdict
}

// Shards: what one machine measured of a scenario is compared there, as ever.
TEST_F(MergedRuns, OfShardsAreAsOfOneMachine) {
  for (int index = 1; index <= 2; ++index) {
    PartRun run{.directory = std::to_string(index) + "of2",
                .part = {PartKind::shard, index, 2},
                .machine = "m" + std::to_string(index),
                .node = "n" + std::to_string(index)};
    run.makespan_ns = [](const Cell& cell, int rep) { return usual(cell, 1, rep); };
    leave(directory_ / "parts", run);
  }
  const Analysis analysis = merged();
  EXPECT_THAT(analysis.cells, SizeIs(8));
  EXPECT_THAT(analysis.scenarios, SizeIs(2));
  EXPECT_EQ(analysis.other_rows, 0u);
  for (const CellSummary& cell : analysis.cells) {
    EXPECT_THAT(cell.blocks, IsEmpty());
    EXPECT_THAT(cell.makespans_ns, SizeIs(2));
  }
}

// What a machine began before its shard moved to another does not count beside the whole.
TEST_F(MergedRuns, OfAShardThatMovedTakeTheMachineThatHasIt) {
  PartRun begun{.directory = "1of1", .part = {PartKind::shard, 1, 1}, .reps = 2, .ms = 99};
  begun.suite = std::string(testing_parts::kSuite);
  leave(directory_ / "parts", begun);
  // Of the first machine only the cells with one worker are left.
  const std::filesystem::path rows = directory_ / "parts/1of1/results.csv";
  std::string kept;
  std::istringstream lines(content(rows));
  for (std::string line; std::getline(lines, line);) {
    if (kept.empty() || line.find(",thread,1,") != std::string::npos) kept += line + "\n";
  }
  write_text(rows, kept);
  leave(directory_ / "parts", {.directory = "1of1",
                               .part = {PartKind::shard, 1, 1},
                               .machine = "m2",
                               .node = "n2",
                               .started = "2026-01-01T00:01:00.000000Z",
                               .ms = 10});
  const Analysis analysis = merged();
  for (const CellSummary& cell : analysis.cells) {
    EXPECT_THAT(cell.makespans_ns, SizeIs(2));
    EXPECT_EQ(*cell.median_ns, 10'000'000);
  }
}

TEST_F(MergedRuns, AreComparedMachineByMachine) {
  replicate(1, 3, "n1", 1.0);
  replicate(2, 3, "n2", 1.2);
  replicate(3, 3, "n3", 0.9);
  const Analysis before = merged();
  std::filesystem::remove_all(directory_ / "parts");
  std::filesystem::remove_all(directory_ / "merged");
  replicate(1, 3, "n1", 1.2);
  replicate(2, 3, "n2", 1.44);
  replicate(3, 3, "n3", 1.08);
  const Analysis after = merged();
  const Comparison comparison = compare(before, after, {});
  EXPECT_EQ(comparison.count(model::Change::slower), 8u);
  EXPECT_NEAR(comparison.cells.front().ratio.estimate, 1.2, 1e-3);
}

}  // namespace
}  // namespace harness
