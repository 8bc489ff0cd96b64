#include "harness/sweep/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>

#include "harness/base/errors.h"
#include "harness/sweep/interrupt.h"
#include "harness/tests/front_cells.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Keeps what it is told.
class RowsSink : public Sink {
 public:
  std::vector<Sample> rows;
  std::vector<SweepState> states;
  std::optional<SweepState> last;
  int traces = 0;
  std::function<void()> on_row = [] {};

  void starting(const Cell&, const SweepState& state) override { states.push_back(state); }
  void row(const Cell&, const Sample& sample, const Trace* trace) override {
    on_row();
    rows.push_back(sample);
    traces += trace != nullptr;
  }
  void finished(const SweepState& state) override { last = state; }
};

class SweepTest : public testing::Test {
 protected:
  SweepTest() {
    options.run_id = "run";
    options.machine_id = "machine";
    options.build_id = "build";
    options.now_ns = [this] { return runner.clock_ns; };
    options.now_utc = [] { return "2025-01-01T00:00:00.000000Z"; };
  }

  SweepOutcome sweep(const Plan& plan) {
    Sinks sinks{&sink};
    return run_sweep(plan, runner, sinks, options);
  }

  // "a0w" is the first warm-up of a, "a0" its first measured repetition.
  std::vector<std::string> rows() const {
    std::vector<std::string> names;
    for (const Sample& sample : sink.rows) {
      names.push_back(sample.cell_id + std::to_string(sample.rep) + (sample.is_warmup != 0 ? "w" : ""));
    }
    return names;
  }

  FakeRunner runner;
  RowsSink sink;
  SweepOptions options;
};

std::vector<std::string> names_of(const Plan& plan, const std::vector<Step>& steps) {
  std::vector<std::string> names;
  for (const Step& step : steps) {
    names.push_back(plan.cells[static_cast<std::size_t>(step.cell)].cell.cell_id + std::to_string(step.rep) +
                    (step.is_warmup ? "w" : ""));
  }
  return names;
}

TEST(Orders, BatchRunsACellToItsEnd) {
  const Plan plan = test_plan({"a", "b"}, 2, 1, Order::batch);
  EXPECT_THAT(names_of(plan, ordered_steps(plan)), ElementsAre("a0w", "a0", "a1", "b0w", "b0", "b1"));
}

TEST(Orders, RoundRobinRunsRoundsInPlanOrderWarmUpsFirst) {
  Plan plan = test_plan({"a", "b"}, 2, 1, Order::round_robin);
  plan.cells[1].runs = 3;
  plan.cells[1].warmup = 0;
  EXPECT_THAT(names_of(plan, ordered_steps(plan)), ElementsAre("a0w", "a0", "b0", "a1", "b1", "b2"));
}

TEST(Orders, RandomShufflesEachRoundFromTheSeed) {
  std::vector<std::string> cells;
  for (char c = 'a'; c <= 't'; ++c) cells.emplace_back(1, c);
  Plan plan = test_plan(cells, 2, 1, Order::random);
  const auto first = names_of(plan, ordered_steps(plan));
  EXPECT_EQ(first, names_of(plan, ordered_steps(plan)));

  const auto round = [](const std::vector<std::string>& all, int which) {
    std::vector<std::string> names(all.begin() + 20 * which, all.begin() + 20 * (which + 1));
    for (std::string& name : names) name.resize(1);
    return names;
  };
  for (int which = 0; which < 3; ++which) {
    auto names = round(first, which);
    EXPECT_NE(names, cells);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, cells);  // every cell once per round
  }
  EXPECT_NE(round(first, 0), round(first, 1));
  EXPECT_NE(round(first, 1), round(first, 2));
  plan.seed = 6;
  EXPECT_NE(first, names_of(plan, ordered_steps(plan)));
}

TEST_F(SweepTest, ChecksEveryDigestBeforeAnythingIsTimed) {
  sweep(test_plan({"a", "b"}, 1, 1, Order::round_robin));
  EXPECT_THAT(runner.log, ElementsAre("check a", "check b", "run a", "run b", "run a", "run b"));
}

TEST_F(SweepTest, StoresEveryRepetitionWithItsIdentity) {
  runner.result = [this](const Cell&, RepetitionResult&) { EXPECT_EQ(runner.last_timeout, std::chrono::seconds(1)); };
  const SweepOutcome outcome = sweep(test_plan({"a", "b"}, 2, 1, Order::batch));
  EXPECT_THAT(rows(), ElementsAre("a0w", "a0", "a1", "b0w", "b0", "b1"));
  const Sample& row = sink.rows[4];
  EXPECT_EQ(row.run_id, "run");
  EXPECT_EQ(row.machine_id, "machine");
  EXPECT_EQ(row.build_id, "build");
  EXPECT_EQ(row.run_order, 4);
  EXPECT_EQ(row.started_utc, "2025-01-01T00:00:00.000000Z");
  EXPECT_EQ(row.status, "ok");
  EXPECT_EQ(sink.traces, 6);
  EXPECT_EQ(outcome.steps, 6);
  EXPECT_EQ(outcome.run, 6);
  EXPECT_EQ(outcome.failed, 0);
  EXPECT_EQ(outcome.remaining(), 0);
  EXPECT_EQ(outcome.measuring, std::chrono::milliseconds(60));
  EXPECT_EQ(outcome.sum_makespans, std::chrono::milliseconds(60));
  ASSERT_TRUE(sink.last);
  EXPECT_EQ(sink.last->done, 6);
}

TEST_F(SweepTest, ResumesWhereItStopped) {
  const Plan plan = test_plan({"a", "b", "c"}, 3, 1, Order::random);
  sweep(plan);
  const std::vector<Sample> all = sink.rows;
  for (std::size_t kept = 0; kept <= all.size(); ++kept) {
    options.present.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept));
    sink.rows.clear();
    const SweepOutcome outcome = sweep(plan);
    ASSERT_EQ(sink.rows.size(), all.size() - kept);
    EXPECT_EQ(outcome.steps, static_cast<int>(all.size() - kept));
    for (std::size_t i = 0; i < sink.rows.size(); ++i) {
      EXPECT_EQ(sink.rows[i].cell_id, all[kept + i].cell_id);
      EXPECT_EQ(sink.rows[i].rep, all[kept + i].rep);
      EXPECT_EQ(sink.rows[i].run_order, all[kept + i].run_order);
    }
  }
}

TEST_F(SweepTest, ThatIsCompleteDoesNothing) {
  const Plan plan = test_plan({"a", "b"}, 2, 1, Order::random);
  sweep(plan);
  options.present = sink.rows;
  EXPECT_THAT(missing_steps(plan, options), IsEmpty());
  runner.log.clear();
  const SweepOutcome outcome = sweep(plan);
  EXPECT_THAT(runner.log, IsEmpty());
  EXPECT_EQ(outcome.run, 0);
}

TEST_F(SweepTest, MeasuresAgainForAnotherBuildOrMachine) {
  const Plan plan = test_plan({"a"}, 2, 0, Order::batch);
  sweep(plan);
  options.present = sink.rows;
  options.build_id = "another";
  EXPECT_EQ(missing_steps(plan, options).size(), 2u);
  options.build_id = "build";
  options.machine_id = "another";
  EXPECT_EQ(missing_steps(plan, options).size(), 2u);
}

TEST_F(SweepTest, AddsRepetitionsWithoutWarmingUpFinishedCells) {
  sweep(test_plan({"a", "b"}, 2, 0, Order::round_robin));
  options.present = sink.rows;
  sink.rows.clear();
  Plan plan = test_plan({"a", "b"}, 2, 1, Order::round_robin);
  plan.cells[1].runs = 3;
  sweep(plan);
  EXPECT_THAT(rows(), ElementsAre("b0w", "b2"));
}

TEST_F(SweepTest, KeepsGoingAfterRepetitionsThatFail) {
  runner.result = [](const Cell& cell, RepetitionResult& repetition) {
    if (cell.cell_id != "b") return;
    repetition.sample.status = "crash";
    repetition.sample.error = "killed by signal 11\nwith a second line";
    repetition.trace.reset();
  };
  const Plan plan = test_plan({"a", "b", "c"}, 1, 0, Order::batch);
  const SweepOutcome outcome = sweep(plan);
  EXPECT_THAT(rows(), ElementsAre("a0", "b0", "c0"));
  EXPECT_EQ(sink.rows[1].status, "crash");
  EXPECT_EQ(sink.rows[1].error, "killed by signal 11 with a second line");
  EXPECT_EQ(outcome.failed, 1);
  EXPECT_EQ(outcome.sum_makespans, std::chrono::milliseconds(20));

  options.present = sink.rows;  // a crash is a result: it is not tried again, but not forgotten either
  const SweepOutcome again = sweep(plan);
  EXPECT_EQ(again.steps, 0);
  EXPECT_EQ(again.failed_before, 1);
}

TEST_F(SweepTest, TurnsWhatTheRunnerThrowsIntoARow) {
  runner.result = [](const Cell& cell, RepetitionResult&) {
    if (cell.cell_id == "a") throw std::runtime_error("no more processes");
  };
  const SweepOutcome outcome = sweep(test_plan({"a", "b"}, 1, 0, Order::batch));
  EXPECT_THAT(rows(), ElementsAre("a0", "b0"));
  EXPECT_EQ(sink.rows[0].status, "crash");
  EXPECT_EQ(sink.rows[0].error, "no more processes");
  EXPECT_EQ(sink.rows[0].backend, "thread");
  EXPECT_EQ(outcome.failed, 1);
}

TEST_F(SweepTest, DoesNotTimeACellWhoseDigestsDiffer) {
  runner.digest_errors["b"] = "sleep gives digest 1 on thread, 2 on inline";
  const Plan plan = test_plan({"a", "b"}, 2, 1, Order::round_robin);
  const SweepOutcome outcome = sweep(plan);
  EXPECT_THAT(runner.log, ElementsAre("check a", "check b", "run a", "run a", "run a"));
  EXPECT_THAT(rows(), ElementsAre("a0w", "a0", "b0", "a1", "b1"));
  EXPECT_EQ(sink.rows[2].status, "invalid");
  EXPECT_EQ(sink.rows[2].error, "sleep gives digest 1 on thread, 2 on inline");
  EXPECT_EQ(sink.rows[2].makespan_ns, 0);
  EXPECT_EQ(outcome.failed, 2);
  EXPECT_EQ(outcome.remaining(), 0);

  options.present = sink.rows;
  EXPECT_THAT(missing_steps(plan, options), IsEmpty());
}

TEST_F(SweepTest, StopsBetweenRepetitionsWhenInterrupted) {
  options.stop = [this] { return sink.rows.size() == 2; };
  const SweepOutcome outcome = sweep(test_plan({"a", "b"}, 2, 0, Order::batch));
  EXPECT_THAT(rows(), ElementsAre("a0", "a1"));
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.remaining(), 2);
  EXPECT_TRUE(sink.last);
}

TEST_F(SweepTest, DropsARepetitionThatWasCutOff) {
  runner.result = [](const Cell& cell, RepetitionResult& repetition) { repetition.interrupted = cell.cell_id == "b"; };
  const SweepOutcome outcome = sweep(test_plan({"a", "b", "c"}, 1, 0, Order::batch));
  EXPECT_THAT(rows(), ElementsAre("a0"));
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.remaining(), 2);
}

TEST_F(SweepTest, DoesNotBelieveADigestCheckThatWasCutOff) {
  bool stopped = false;
  runner.digest_errors["a"] = "interrupted";
  options.stop = [&] { return std::exchange(stopped, true); };  // not before the first check, but after it
  const SweepOutcome outcome = sweep(test_plan({"a"}, 1, 0, Order::batch));
  EXPECT_THAT(sink.rows, IsEmpty());
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.failed, 0);
}

TEST_F(SweepTest, StartsNothingThatWouldOutliveTheTimeBudget) {
  runner.takes = [](const Cell& cell) { return cell.cell_id == "a" ? 100'000'000 : 50'000'000; };
  options.time_budget = std::chrono::milliseconds(390);
  // Estimates: a 100 and b 50 once each has run; 100+50+100+50 = 300, the third a would end at 400.
  const SweepOutcome outcome = sweep(test_plan({"a", "b"}, 5, 0, Order::round_robin));
  EXPECT_THAT(rows(), ElementsAre("a0", "b0", "a1", "b1"));
  EXPECT_TRUE(outcome.out_of_time);
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_EQ(outcome.remaining(), 6);
}

TEST_F(SweepTest, EstimatesTheTimeLeftFromWhatWasMeasured) {
  const Plan plan = test_plan({"a"}, 4, 0, Order::batch);
  const std::int64_t planned = estimated_time(plan.cells[0].cell).count();
  runner.takes = [&](const Cell&) { return 3 * planned; };
  sweep(plan);
  ASSERT_EQ(sink.states.size(), 4u);
  EXPECT_EQ(sink.states[0].remaining.count(), 4 * planned);
  EXPECT_EQ(sink.states[1].remaining.count(), 3 * 3 * planned);
  EXPECT_EQ(sink.states[3].remaining.count(), 3 * planned);
  EXPECT_EQ(sink.states[3].done, 3);
  EXPECT_EQ(sink.states[3].elapsed.count(), 9 * planned);
}

TEST_F(SweepTest, EndsWhenARowCannotBeKept) {
  sink.on_row = [this] {
    if (sink.rows.size() == 2) throw OutputError("no space left");
  };
  EXPECT_THROW(sweep(test_plan({"a", "b"}, 2, 0, Order::batch)), OutputError);
  EXPECT_THAT(rows(), ElementsAre("a0", "a1"));
}

TEST(Interrupts, ReachTheRunnerAndTheFlagAndLeaveTheProcessAlive) {
  struct sigaction before {};
  struct sigaction after {};
  ::sigaction(SIGINT, nullptr, &before);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    FakeRunner runner;
    const InterruptScope scope(runner);
    EXPECT_FALSE(interrupt_requested());
    ::raise(signal);
    EXPECT_TRUE(interrupt_requested());
    EXPECT_TRUE(runner.interrupted);
  }
  ::sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
}

TEST(Interrupts, LeaveIgnoredSignalsIgnored) {
  const auto previous = ::signal(SIGHUP, SIG_IGN);
  {
    FakeRunner runner;
    const InterruptScope scope(runner);
    ::raise(SIGHUP);
    EXPECT_FALSE(interrupt_requested());
  }
  ::signal(SIGHUP, previous);
}

}  // namespace
}  // namespace harness
