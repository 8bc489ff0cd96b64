#include "harness/plan/cell_builder.h"

#include <gtest/gtest.h>

#include "harness/base/errors.h"
#include "harness/plan/distribution.h"

namespace harness {
namespace {

using Durations = std::vector<std::int64_t>;

Factors factors_of(const std::string& backend, const std::string& strategy) {
  Factors factors;
  factors.backend = backend;
  factors.workers = 3;
  factors.workers_spec = "3";
  factors.workload = "sleep";
  factors.strategy = strategy;
  factors.tasks = 4;
  factors.distribution = "uniform";
  factors.task_ns = 1'000;
  factors.callback_ns = 70;
  factors.seed = 11;
  return factors;
}

TEST(CellBuilders, DrawTheDurationsFromTheDistributionAndTheSeed) {
  const Cell cell = CellBuilder(factors_of("thread", "main")).build();
  EXPECT_EQ(cell.task_durations_ns, draw_durations("uniform", 4, 1'000, 11));
  EXPECT_EQ(cell.callback_durations_ns, Durations(4, 70));
  EXPECT_EQ(cell.cell_id, cell_id(cell));
}

TEST(CellBuilders, DrawFromTheSeedThatASuitesSeedMakes) {
  const Factors factors = factors_of("thread", "main");
  const Cell cell = CellBuilder(factors).seeded_by(7).build();
  EXPECT_EQ(cell.seed, cell_seed(7, factors));
  EXPECT_EQ(cell.task_durations_ns, draw_durations("uniform", 4, 1'000, cell.seed));
}

TEST(CellBuilders, TakeFromAListWhatItDecides) {
  const Cell cell = CellBuilder(factors_of("thread", "main")).seeded_by(7).durations({5, 9, 2}, {1, 0, 3}).build();
  EXPECT_EQ(cell.tasks, 3);
  EXPECT_EQ(cell.distribution, "explicit");
  EXPECT_EQ(cell.task_ns, 9);
  EXPECT_EQ(cell.callback_ns, 3);
  EXPECT_EQ(cell.task_durations_ns, (Durations{5, 9, 2}));
  EXPECT_EQ(cell.callback_durations_ns, (Durations{1, 0, 3}));
  EXPECT_EQ(cell.seed, cell_seed(7, cell));  // of the factors that the list decides, not of those that were given
  EXPECT_EQ(cell.cell_id, cell_id(cell));
}

TEST(CellBuilders, GiveAStrategyWithoutCallbacksNone) {
  const Cell cell = CellBuilder(factors_of("thread", "none")).durations({5, 9}, {1, 3}).build();
  EXPECT_EQ(cell.callback_ns, 0);
  EXPECT_EQ(cell.callback_durations_ns, Durations(2, 0));
}

TEST(CellBuilders, TakeTheBackendsStartMethodWhereNoneIsGiven) {
  EXPECT_EQ(CellBuilder(factors_of("thread", "none")).build().start_method, "none");
  EXPECT_EQ(CellBuilder(factors_of("process", "none")).build().start_method, "exec");
  EXPECT_EQ(CellBuilder(factors_of("process_shutdown", "none")).build().start_method, "exec");  // an experiment
  Factors given = factors_of("process", "none");
  given.start_method = "fork";
  EXPECT_EQ(CellBuilder(given).build().start_method, "fork");
}

TEST(CellBuilders, RefuseWhatTheyDoNotKnow) {
  EXPECT_THROW(CellBuilder(factors_of("nothing", "none")), ConfigError);
  Factors odd = factors_of("thread", "none");
  odd.distribution = "odd";
  EXPECT_THROW(CellBuilder(odd).build(), ConfigError);
}

TEST(Factors, OfOneMeaningHaveOneForm) {
  Factors written = factors_of("inline", "none");
  written.parsers = 2;
  written.chunksize = 5;
  const Factors meant = canonical(written);
  EXPECT_EQ(meant.workers, 1);
  EXPECT_EQ(meant.workers_spec, "1");
  EXPECT_EQ(meant.parsers, 0);
  EXPECT_EQ(meant.chunksize, 1);
  EXPECT_EQ(meant.callback_ns, 0);
  EXPECT_EQ(canonical(meant), meant);

  Factors bounded = factors_of("thread", "none");
  bounded.in_flight = 4;
  EXPECT_EQ(canonical(bounded).in_flight, 0);
  bounded.backend = "coroutine";
  bounded.tasks = 4;
  EXPECT_EQ(canonical(bounded).in_flight, 0);  // so many tasks need no bound
  bounded.tasks = 5;
  EXPECT_EQ(canonical(bounded).in_flight, 4);
}

TEST(Factors, ABoundOfTasksInFlightIsAnotherCellAndNoneIsTheCellOfOld) {
  Factors factors = factors_of("coroutine", "none");
  const std::string unbounded = CellBuilder(factors).build().cell_id;
  factors.in_flight = 3;
  const std::string three = CellBuilder(factors).build().cell_id;
  factors.in_flight = 4;
  EXPECT_NE(unbounded, three);
  EXPECT_NE(three, CellBuilder(factors).build().cell_id);
}

TEST(Factors, KeepWhatHasAMeaning) {
  Factors mapped = factors_of("process", "map");
  mapped.chunksize = 5;
  EXPECT_EQ(canonical(mapped), mapped);
  Factors parsed = factors_of("process", "extra");
  parsed.parsers = 2;
  EXPECT_EQ(canonical(parsed), parsed);
  parsed.parsers = 0;
  EXPECT_EQ(canonical(parsed).parsers, 1);
  EXPECT_EQ(canonical(factors_of("thread_per_task", "main")).workers_spec, "tasks");
}

}  // namespace
}  // namespace harness
