#include "harness/plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/base/errors.h"

namespace harness {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Plan plan_of(const std::string& tables, PlanOptions options = {.cores = 4}) {
  return make_plan(parse_suite("name = \"test\"\n" + tables, "test.toml"), options);
}

std::string grid(const std::string& keys) { return "[[grid]]\n" + keys + "\n"; }

const std::string kSleep = "workload=\"sleep\"\ntasks=8\ntask=\"10ms\"\n";

// "thread/2 thread/20": backend/workers of every cell, in plan order.
std::string shape(const Plan& plan) {
  std::string text;
  for (const PlannedCell& planned : plan.cells) {
    text += (text.empty() ? "" : " ") + planned.cell.backend + "/" + std::to_string(planned.cell.workers);
    if (planned.cell.strategy != "none") text += "/" + planned.cell.strategy;
    if (planned.cell.parsers != 0) text += std::to_string(planned.cell.parsers);
  }
  return text;
}

auto skip_like(const std::string& what, const std::string& reason) {
  return Contains(
      AllOf(testing::Field("what", &Skip::what, HasSubstr(what)), testing::Field("reason", &Skip::reason, HasSubstr(reason))));
}

TEST(Plans, CrossTheAxesOfAGrid) {
  const Plan plan = plan_of(grid("backend=[\"thread\",\"process\"]\nworkers=[\"1\",\"cores\",\"cores*5\"]\n" + kSleep));
  EXPECT_EQ(shape(plan), "thread/1 thread/4 thread/20 process/1 process/4 process/20");
  const Cell& cell = plan.cells[2].cell;
  EXPECT_EQ(cell.workers_spec, "cores*5");
  EXPECT_EQ(cell.cores, 4);
  EXPECT_EQ(cell.strategy, "none");
  EXPECT_EQ(cell.distribution, "equal");
  EXPECT_EQ(cell.start_method, "none");
  EXPECT_EQ(plan.cells[3].cell.start_method, "exec");
  EXPECT_EQ(cell.task_durations_ns, std::vector<std::int64_t>(8, 10'000'000));
  EXPECT_EQ(cell.callback_durations_ns, std::vector<std::int64_t>(8, 0));
  EXPECT_EQ(cell.cell_id, cell_id(cell));
  EXPECT_THAT(plan.skips, IsEmpty());
}

TEST(Plans, TakeOutExclusionsOfTheTableAndOfTheSuite) {
  const std::string axes = "backend=[\"thread\",\"process\"]\nworkers=[1,2,\"cores\"]\n" + kSleep;
  EXPECT_EQ(shape(plan_of(grid(axes + "exclude=[{backend=\"process\",workers=[1,\"cores\"]},{workers=2,backend=\"thread\"}]"))),
            "thread/1 thread/4 process/2");
  EXPECT_EQ(shape(plan_of("exclude=[{workers=\"1..2\"}]\n" + grid(axes))), "thread/4 process/4");
}

TEST(Plans, InheritRepetitionsAndOverrideThem) {
  const std::string toml = "runs=3\nwarmup=2\ntimeout=\"9s\"\n" + grid("backend=\"thread\"\nruns=7\n" + kSleep) +
                           grid("backend=\"process\"\nwarmup=0\ntimeout=\"2s\"\n" + kSleep);
  const Plan plan = plan_of(toml);
  EXPECT_EQ(plan.cells[0].runs, 7);
  EXPECT_EQ(plan.cells[0].warmup, 2);
  EXPECT_EQ(plan.cells[0].timeout, std::chrono::seconds(9));
  EXPECT_EQ(plan.cells[1].runs, 3);
  EXPECT_EQ(plan.cells[1].warmup, 0);
  EXPECT_EQ(plan.cells[1].timeout, std::chrono::seconds(2));
  const Plan overridden = plan_of(toml, {.cores = 4, .runs = 1, .warmup = 5, .timeout = milliseconds(10)});
  EXPECT_EQ(overridden.cells[0].runs, 1);
  EXPECT_EQ(overridden.cells[1].warmup, 5);
  EXPECT_EQ(overridden.cells[1].timeout, milliseconds(10));
}

TEST(Plans, TakeExplicitCases) {
  const Plan plan = plan_of(
      "[[case]]\nbackend=[\"thread\",\"process\"]\nworkers=2\nstrategy=\"main\"\ntask=[\"1s\",\"2x500ms\"]\ncallback=\"10ms,20ms,30ms\"\n");
  EXPECT_EQ(shape(plan), "thread/2/main process/2/main");
  const Cell& cell = plan.cells[0].cell;
  EXPECT_EQ(cell.workload, "sleep");
  EXPECT_EQ(cell.distribution, "explicit");
  EXPECT_EQ(cell.tasks, 3);
  EXPECT_EQ(cell.task_ns, 1'000'000'000);
  EXPECT_EQ(cell.callback_ns, 30'000'000);
  EXPECT_THAT(cell.task_durations_ns, ElementsAre(1'000'000'000, 500'000'000, 500'000'000));
  EXPECT_THAT(cell.callback_durations_ns, ElementsAre(10'000'000, 20'000'000, 30'000'000));
}

TEST(Plans, MergeEqualCellsAndKeepTheLargerRepetitions) {
  const Plan plan = plan_of(grid("backend=\"thread\"\nworkers=[4,\"cores\"]\nruns=2\n" + kSleep) +
                            grid("backend=\"thread\"\nworkers=\"cores\"\nruns=6\n" + kSleep));
  EXPECT_EQ(shape(plan), "thread/4");
  EXPECT_EQ(plan.cells[0].runs, 6);
  EXPECT_EQ(plan.cells[0].cell.workers_spec, "4");
}

TEST(Plans, GiveParsersToExtraOnly) {
  const Plan plan =
      plan_of(grid("backend=\"process\"\nstrategy=[\"main\",\"extra\"]\nparsers=[1,2,4]\ncallback=\"1ms\"\n" + kSleep));
  EXPECT_EQ(shape(plan), "process/4/main process/4/extra1 process/4/extra2 process/4/extra4");
  EXPECT_THAT(plan.skips, skip_like("strategy=main parsers=2,4", "parsers crosses `extra` only"));
}

TEST(Plans, GiveOneParserWhereNoneIsNamed) {
  EXPECT_EQ(shape(plan_of(grid("backend=\"thread\"\nstrategy=\"extra\"\ncallback=\"1ms\"\n" + kSleep))), "thread/4/extra1");
}

TEST(Plans, GiveChunksizeToMapOnProcessesOnly) {
  const Plan plan = plan_of(grid("backend=[\"thread\",\"process\"]\nstrategy=[\"map\",\"collect\"]\nchunksize=[1,4]\n" + kSleep));
  EXPECT_EQ(shape(plan), "thread/4/map process/4/map process/4/map thread/4/collect process/4/collect");
  EXPECT_EQ(plan.cells[2].cell.chunksize, 4);
  EXPECT_THAT(plan.skips, skip_like("chunksize=4", "`map` on processes only"));
}

TEST(Plans, GiveInlineOneWorkerAndThreadPerTaskOnePerTask) {
  const Plan plan = plan_of(grid("backend=[\"inline\",\"thread_per_task\"]\nworkers=[1,2,\"cores*5\"]\n" + kSleep));
  EXPECT_EQ(shape(plan), "inline/1 thread_per_task/8");
  EXPECT_THAT(plan.skips, skip_like("backend=inline strategy=none workers=2,cores*5", "inline has one worker"));
  EXPECT_THAT(plan.skips, skip_like("backend=thread_per_task", "one worker per task"));
}

TEST(Plans, GiveNoneNoCallback) {
  const Plan plan = plan_of(grid("backend=\"thread\"\nstrategy=[\"none\",\"main\"]\ncallback=[\"1ms\",\"2ms\"]\n" + kSleep));
  EXPECT_EQ(shape(plan), "thread/4 thread/4/main thread/4/main");
  EXPECT_EQ(plan.cells[0].cell.callback_ns, 0);
  EXPECT_THAT(plan.cells[0].cell.callback_durations_ns, testing::Each(0));
  EXPECT_THAT(plan.skips, skip_like("strategy=none callback=2ms", "`none` has no callback"));
}

TEST(Plans, ListCombinationsWithoutAMeaningWithTheReason) {
  const Plan plan =
      plan_of(grid("backend=[\"thread\",\"inline\",\"thread_per_task\"]\nstrategy=[\"sync\",\"main\",\"map\"]\n" + kSleep));
  EXPECT_EQ(shape(plan), "thread/4/sync inline/1/sync thread_per_task/8/sync thread/4/main thread_per_task/8/main thread/4/map");
  EXPECT_THAT(plan.skips, skip_like("backend=inline strategy=main", "inline"));
  EXPECT_THAT(plan.skips, skip_like("backend=thread_per_task strategy=map", "thread_per_task"));
}

TEST(Plans, SkipStartMethodsThatABackendDoesNotHave) {
  const Plan plan = plan_of(grid("backend=[\"thread\",\"process\"]\nstart_method=\"exec\"\n" + kSleep));
  EXPECT_EQ(shape(plan), "process/4");
  EXPECT_THAT(plan.skips, skip_like("backend=thread", "start method none"));
}

TEST(Plans, WithoutACellThatHasAMeaningAreRefused) {
  EXPECT_THROW(plan_of(grid("backend=\"inline\"\nstrategy=\"main\"\n" + kSleep)), ConfigError);
}

TEST(Plans, GiveComparedCellsTheSameTasks) {
  const std::string axes =
      "backend=[\"thread\",\"process\"]\nworkers=[1,4]\nstrategy=[\"none\",\"main\",\"extra\"]\nparsers=[1,2]\n"
      "callback=[\"1ms\",\"5ms\"]\nworkload=\"sleep\"\ntasks=16\ntask=\"10ms\"\ndistribution=\"exponential\"\n";
  const Plan plan = plan_of(grid(axes));
  ASSERT_GT(plan.cells.size(), 8u);
  for (const PlannedCell& planned : plan.cells) {
    EXPECT_EQ(planned.cell.seed, plan.cells[0].cell.seed);
    EXPECT_EQ(planned.cell.task_durations_ns, plan.cells[0].cell.task_durations_ns);
  }
  const Plan other_seed = plan_of(grid(axes), {.cores = 4, .seed = 2});
  EXPECT_NE(other_seed.cells[0].cell.task_durations_ns, plan.cells[0].cell.task_durations_ns);
}

TEST(Plans, DrawOtherTasksForOtherWork) {
  const Plan plan =
      plan_of(grid("backend=\"thread\"\nworkload=[\"sleep\",\"spin\"]\ntasks=[8,9]\ntask=[\"1ms\",\"2ms\"]\n"
                   "distribution=[\"equal\",\"uniform\"]\npayload=[0,\"1KiB\"]\n"));
  std::set<std::uint64_t> seeds;
  for (const PlannedCell& planned : plan.cells) seeds.insert(planned.cell.seed);
  EXPECT_EQ(seeds.size(), 32u);
}

TEST(Plans, KeepTheirIdentityWhateverTheSpecSays) {
  const Plan one = plan_of(grid("backend=\"thread\"\nworkers=\"cores*5\"\n" + kSleep));
  const Plan other = plan_of(grid("backend=\"thread\"\nworkers=20\n" + kSleep));
  EXPECT_EQ(one.cells[0].cell.cell_id, other.cells[0].cell.cell_id);
}

TEST(Plans, AreTheSameEveryTime) {
  const std::string toml = grid("backend=\"thread\"\ndistribution=\"heavy_tailed\"\n" + kSleep);
  EXPECT_EQ(plan_of(toml).cells[0].cell.cell_id, plan_of(toml).cells[0].cell.cell_id);
}

TEST(Filters, KeepTheCellsThatAllOfThemMatch) {
  const std::string toml = grid(
      "backend=[\"thread\",\"process\"]\nworkers=[1,\"cores\",\"cores*5\"]\nworkload=\"sleep\"\n"
      "tasks=8\ntask=[\"10ms\",\"20ms\"]\n");
  const auto filtered = [&](std::vector<std::string> texts) {
    PlanOptions options{.cores = 4};
    for (const std::string& text : texts) options.filters.push_back(parse_filter(text));
    return plan_of(toml, options);
  };
  EXPECT_EQ(shape(filtered({"backend=thread", "task_ns=10ms"})), "thread/1 thread/4 thread/20");
  EXPECT_EQ(shape(filtered({"workers=cores*5", "task_ns=20000000"})), "thread/20 process/20");
  EXPECT_EQ(shape(filtered({"workers_spec=cores", "task_ns=10ms"})), "thread/4 process/4");
  EXPECT_EQ(shape(filtered({"workers=1", "backend=process", "task_ns=0.02s"})), "process/1");
}

std::string filter_refusal(const std::vector<std::string>& texts) {
  try {
    PlanOptions options{.cores = 4};
    for (const std::string& text : texts) options.filters.push_back(parse_filter(text));
    plan_of(grid("backend=[\"thread\",\"process\"]\nworkers=[1,2]\n" + kSleep), options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  ADD_FAILURE() << "was accepted";
  return {};
}

TEST(Filters, ThatMatchNothingAreRefusedWithTheValuesThereAre) {
  EXPECT_EQ(filter_refusal({"backend=treads"}), "the filter backend=treads matches nothing; backend is one of: thread, process");
  EXPECT_THAT(filter_refusal({"workers=1", "backend=thread", "workers=2"}),
              "the filter workers=2 matches nothing together with workers=1 backend=thread; workers is one of: 1");
  EXPECT_THAT(filter_refusal({"task_ns=soon"}), HasSubstr("task_ns is one of: 10000000"));
}

TEST(Filters, WithAnUnknownAxisAreRefusedWithTheKnownOnes) {
  EXPECT_THAT(filter_refusal({"pool=thread"}),
              HasSubstr("unknown filter axis 'pool'; allowed: backend, workers, workers_spec, cores, "));
  EXPECT_THAT(filter_refusal({"workrs=1"}), HasSubstr("did you mean 'workers'?"));
  EXPECT_THAT(filter_refusal({"makespan_ns=1"}), HasSubstr("unknown filter axis 'makespan_ns'"));
  EXPECT_THAT(filter_refusal({"thread"}), HasSubstr("bad filter 'thread'; allowed: axis=value"));
}

std::chrono::nanoseconds predicted(const std::string& keys) { return predicted_makespan(plan_of(grid(keys)).cells[0].cell); }

TEST(Estimates, AreTheModelsMakespan) {
  EXPECT_EQ(predicted("backend=\"thread\"\nworkers=2\n" + kSleep), milliseconds(40));
  EXPECT_EQ(predicted("backend=\"thread\"\nworkers=2\nstrategy=\"worker\"\ncallback=\"5ms\"\n" + kSleep), milliseconds(60));
  EXPECT_EQ(predicted("backend=\"process\"\nworkers=8\nstrategy=\"main\"\ncallback=\"5ms\"\n" + kSleep), milliseconds(50));
  EXPECT_EQ(predicted("backend=\"inline\"\n" + kSleep), milliseconds(80));
}

TEST(Estimates, KnowThatComputationSharesCoresAndLocks) {
  const std::string spin = "workers=8\ntasks=8\ntask=\"10ms\"\n";
  EXPECT_NEAR(static_cast<double>(predicted("backend=\"thread\"\nworkload=\"spin\"\n" + spin).count()), 20e6, 1e6);
  EXPECT_NEAR(static_cast<double>(predicted("backend=\"thread\"\nworkload=\"gil_spin\"\n" + spin).count()), 80e6, 1e6);
  EXPECT_NEAR(static_cast<double>(predicted("backend=\"process\"\nworkload=\"gil_spin\"\n" + spin).count()), 20e6, 1e6);
}

TEST(Estimates, OfAPlanCountEveryRepetitionAndDoNotOverflow) {
  const Plan plan = plan_of(grid("backend=\"thread\"\nworkers=8\nruns=4\nwarmup=1\n" + kSleep));
  EXPECT_EQ(estimated_time(plan), estimated_time(plan.cells[0].cell) * 5);
  EXPECT_GE(estimated_time(plan.cells[0].cell), milliseconds(10));
  const Plan endless = plan_of(grid("backend=\"thread\"\nworkload=\"sleep\"\ntasks=1\ntask=\"9000000000s\"\n"));
  EXPECT_EQ(estimated_time(endless), std::chrono::nanoseconds::max());
}

}  // namespace
}  // namespace harness
