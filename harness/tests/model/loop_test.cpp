// Event loops: the simulation against an independent one in exact fractions, and what follows from its rules.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "harness/model/loop_schedule.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/loop_simulation.h"
#include "harness/tests/model/random_cases.h"

namespace harness::model {
namespace {

using testing::Fraction;
using testing::LoopTimes;
using testing::random_loop_case;
using testing::show;

constexpr int kLoopCases = 2000;  // per strategy

// To the nanosecond where the exact time is one, else to the nearest.
void expect_time(const Fraction& exact, std::int64_t ns, const Case& c, const char* what, std::size_t task) {
  if (exact.under == 1) {
    ASSERT_EQ(static_cast<std::int64_t>(exact.over), ns) << what << " of task " << task << ": " << show(c);
  }
  ASSERT_LE(std::abs(static_cast<double>(ns) - exact.value()), 0.5 + 1e-6) << what << " of task " << task << ": " << show(c);
}

// Whether the case could be compared: its fractions are not too fine.
bool expect_agreement(const Case& c) {
  testing::LoopSimulation reference(c);
  const std::vector<LoopTimes> exact = reference.run();
  if (reference.fine()) return false;
  const Prediction prediction = simulate(c);
  const bool on_loop = c.strategy == Strategy::worker || c.strategy == Strategy::fused;
  for (std::size_t i = 0; i < exact.size() && !::testing::Test::HasFailure(); ++i) {
    const TaskTimes& times = prediction.tasks[i];
    expect_time(exact[i].start, times.start_ns, c, "start", i);
    expect_time(exact[i].resumed, times.resumed_ns, c, "resumption", i);
    expect_time(exact[i].finish, times.finish_ns, c, "finish", i);
    if (!has_callbacks(c.strategy)) continue;
    expect_time(exact[i].callback_start, times.callback_start_ns, c, "callback start", i);
    expect_time(exact[i].callback_finish, times.callback_finish_ns, c, "callback finish", i);
    if (on_loop) expect_time(exact[i].callback_resumed, times.callback_resumed_ns, c, "callback resumption", i);
  }
  expect_time(reference.end(), prediction.makespan_ns, c, "makespan", exact.size());
  return true;
}

class LoopProperty : public ::testing::TestWithParam<Strategy> {
 protected:
  std::mt19937_64 random_{20250310u + static_cast<unsigned>(GetParam())};
};

TEST_P(LoopProperty, the_simulation_agrees_with_one_in_exact_fractions) {
  int compared = 0;
  int contended = 0;
  for (int i = 0; i < kLoopCases && !HasFailure(); ++i) {
    const Case c = random_loop_case(random_, GetParam(), {.cores = i % 3 == 0});
    compared += expect_agreement(c);
    contended += shares_cores(c);
  }
  EXPECT_GT(compared, kLoopCases * 9 / 10);
  EXPECT_GT(contended, kLoopCases / 20);
}

TEST_P(LoopProperty, many_tasks_agree_as_well_where_every_thread_has_a_core) {
  for (int i = 0; i < kLoopCases / 10 && !HasFailure(); ++i) {
    expect_agreement(random_loop_case(random_, GetParam(), {.tasks = 40, .threads = 5, .longest = 20, .cores = false}));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, LoopProperty,
                         ::testing::ValuesIn(std::vector<Strategy>{Strategy::none, Strategy::worker, Strategy::main,
                                                                   Strategy::extra, Strategy::fused, Strategy::collect,
                                                                   Strategy::as_completed}),
                         [](const auto& param) { return std::string(name(param.param)); });

std::vector<Demand> demands(std::size_t n, std::int64_t wait_ns, std::int64_t compute_ns) {
  return std::vector<Demand>(n, {.wait_ns = wait_ns, .compute_ns = compute_ns, .locked = false});
}

Case loop_of(int threads, std::vector<Demand> tasks) {
  Case c;
  c.executor = Executor::loop;
  c.workers = threads;
  c.tasks = std::move(tasks);
  return c;
}

TEST(LoopProperties, without_computing_one_thread_takes_as_long_as_the_longest_wait) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kLoopCases; ++i) {
    Case c = random_loop_case(random, Strategy::none, {.tasks = 30, .overheads = false});
    c.workers = 1;
    c.in_flight = 0;
    std::int64_t longest = 0;
    for (Demand& task : c.tasks) {
      task.compute_ns = 0;
      longest = std::max(longest, task.wait_ns);
    }
    ASSERT_EQ(simulate(c).makespan_ns, longest) << show(c);
  }
}

TEST(LoopProperties, one_in_flight_is_one_after_another) {
  std::mt19937_64 random(2);
  for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::fused}) {
    for (int i = 0; i < kLoopCases; ++i) {
      Case c = random_loop_case(random, strategy, {.overheads = false});
      c.in_flight = 1;
      std::int64_t sum = 0;
      for (const Demand& task : c.tasks) sum += task.service_ns();
      for (const Demand& callback : c.callbacks) sum += has_callbacks(strategy) ? callback.service_ns() : 0;
      ASSERT_EQ(simulate(c).makespan_ns, sum) << show(c);
      c.strategy = Strategy::sync;
      if (has_callbacks(strategy)) {
        ASSERT_EQ(simulate(c).makespan_ns, sum) << show(c);
      }
    }
  }
}

// The ends of tasks and callbacks, which are the same however the time before them is called.
void expect_same_ends(const Prediction& a, const Prediction& b, const Case& c) {
  ASSERT_EQ(a.makespan_ns, b.makespan_ns) << show(c);
  for (std::size_t i = 0; i < a.tasks.size(); ++i) {
    ASSERT_EQ(a.tasks[i].finish_ns, b.tasks[i].finish_ns) << show(c) << " task " << i;
    ASSERT_EQ(a.tasks[i].callback_finish_ns, b.tasks[i].callback_finish_ns) << show(c) << " task " << i;
  }
}

TEST(LoopProperties, that_waits_for_nothing_is_a_pool_of_its_threads) {
  std::mt19937_64 random(3);
  for (const Strategy strategy :
       {Strategy::none, Strategy::fused, Strategy::main, Strategy::extra, Strategy::collect, Strategy::as_completed}) {
    for (int i = 0; i < kLoopCases / 2 && !HasFailure(); ++i) {
      Case c = random_loop_case(random, strategy, {.tasks = 15, .threads = 5, .cores = false});
      c.in_flight = 0;
      c.overheads.wake_ns = 0;
      for (Demand& task : c.tasks) task.wait_ns = 0;
      for (Demand& callback : c.callbacks) callback.wait_ns = 0;
      Case pool = c;
      pool.executor = Executor::pool;
      expect_same_ends(simulate(pool), simulate(c), c);
    }
  }
}

TEST(LoopProperties, that_computes_nothing_is_a_pool_of_as_many_workers_as_tasks_in_flight) {
  std::mt19937_64 random(4);
  for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::fused, Strategy::main, Strategy::extra,
                                  Strategy::collect, Strategy::as_completed}) {
    for (int i = 0; i < kLoopCases / 2 && !HasFailure(); ++i) {
      Case c = random_loop_case(random, strategy, {.tasks = 15, .threads = 5, .cores = false});
      c.overheads.wake_ns = 0;
      c.overheads.dispatch_ns = 0;
      for (auto* all : {&c.tasks, &c.callbacks}) {
        for (Demand& demand : *all) demand.compute_ns = 0;
      }
      Case pool = c;
      pool.executor = Executor::pool;
      pool.workers = static_cast<int>(c.in_flight == 0 ? static_cast<std::int64_t>(c.tasks.size()) : c.in_flight);
      expect_same_ends(simulate(pool), simulate(c), c);
    }
  }
}

TEST(Loop, takes_up_what_is_ready_in_the_order_in_which_it_became_so) {
  const Prediction prediction = simulate(loop_of(1, {{.wait_ns = 30, .compute_ns = 5},
                                                     {.wait_ns = 10, .compute_ns = 40},
                                                     {.wait_ns = 20, .compute_ns = 5},
                                                     {.wait_ns = 20, .compute_ns = 5}}));
  EXPECT_EQ(prediction.tasks[1].resumed_ns, 10);
  EXPECT_EQ(prediction.tasks[2].resumed_ns, 50);
  EXPECT_EQ(prediction.tasks[3].resumed_ns, 55);  // a tie: by task
  EXPECT_EQ(prediction.tasks[0].resumed_ns, 60);
  EXPECT_EQ(prediction.makespan_ns, 65);
  EXPECT_EQ(prediction.tasks[0].start_ns, 0);
}

TEST(Loop, that_blocks_where_it_should_wait_takes_a_pools_time_with_as_many_workers_as_threads) {
  EXPECT_EQ(simulate(loop_of(1, demands(8, 100, 0))).makespan_ns, 100);
  EXPECT_EQ(simulate(loop_of(1, demands(8, 0, 100))).makespan_ns, 800);
  EXPECT_EQ(simulate(loop_of(2, demands(8, 0, 100))).makespan_ns, 400);
}

// A callback on the loop stands behind what is ready; one that is part of its task does not.
TEST(Loop, queues_a_callback_behind_ready_tasks_and_a_fused_one_not) {
  Case c = loop_of(1, demands(3, 0, 10));
  c.callbacks = demands(3, 0, 1);
  c.strategy = Strategy::worker;
  EXPECT_EQ(simulate(c).tasks[0].callback_finish_ns, 31);
  c.strategy = Strategy::fused;
  EXPECT_EQ(simulate(c).tasks[0].callback_finish_ns, 11);
  c.callbacks = demands(3, 5, 1);  // waits: lets the others compute meanwhile
  EXPECT_EQ(simulate(c).tasks[0].callback_finish_ns, 31);
  EXPECT_EQ(simulate(c).makespan_ns, 36);
}

TEST(Loop, counts_a_task_in_flight_until_its_callback_on_the_loop_has_ended) {
  Case c = loop_of(4, demands(2, 100, 0));
  c.callbacks = demands(2, 50, 0);
  c.in_flight = 1;
  const auto second_start = [&c](Strategy strategy) {
    c.strategy = strategy;
    return simulate(c).tasks[1].start_ns;
  };
  EXPECT_EQ(second_start(Strategy::none), 100);
  EXPECT_EQ(second_start(Strategy::worker), 150);
  EXPECT_EQ(second_start(Strategy::fused), 150);
  EXPECT_EQ(second_start(Strategy::main), 100);
  EXPECT_EQ(second_start(Strategy::extra), 100);
}

TEST(Loop, wakes_up_once_for_what_becomes_ready_together) {
  Case c = loop_of(1, demands(3, 100, 10));
  c.overheads.wake_ns = 4;
  EXPECT_EQ(simulate(c).makespan_ns, 100 + 4 + 30);
  c.in_flight = 1;
  EXPECT_EQ(simulate(c).makespan_ns, 3 * 114);
  c.workers = 3;  // each thread wakes up for itself
  c.in_flight = 0;
  EXPECT_EQ(simulate(c).makespan_ns, 114);
  c.strategy = Strategy::sync;
  c.callbacks = demands(3, 1, 0);
  EXPECT_EQ(simulate(c).makespan_ns, 3 * 115);
}

TEST(Loop, threads_share_the_cores) {
  Case c = loop_of(4, demands(4, 10, 20));
  c.cores = 2;
  EXPECT_EQ(simulate(c).makespan_ns, 50);
  c.workers = 2;
  EXPECT_EQ(simulate(c).makespan_ns, 50);
  c.workers = 1;
  EXPECT_EQ(simulate(c).makespan_ns, 90);
}

TEST(Loop, knows_the_task_that_each_thread_computes) {
  const Prediction prediction = simulate(loop_of(2, demands(4, 0, 10)));
  EXPECT_EQ(prediction.tasks[0].worker, 0);
  EXPECT_EQ(prediction.tasks[1].worker, 1);
  EXPECT_EQ(prediction.tasks[2].worker, 0);
  EXPECT_EQ(prediction.tasks[3].worker, 1);
}

TEST(Loop, refuses_what_has_no_meaning_there) {
  Case c = loop_of(1, demands(2, 1, 1));
  c.callbacks = demands(2, 1, 1);
  c.strategy = Strategy::map;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.strategy = Strategy::main;
  EXPECT_NO_THROW(check(c));
  c.coupled = true;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.coupled = false;
  c.in_flight = -1;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.in_flight = 0;
  c.overheads.wake_ns = std::int64_t{1} << 62;
  EXPECT_THROW(check(c), std::overflow_error);
}

TEST(Loop, of_a_hundred_thousand_tasks_ends_where_its_form_says) {
  EXPECT_EQ(simulate(loop_of(1, demands(100'000, 50'000'000, 10'000))).makespan_ns, 50'000'000 + 100'000 * 10'000LL);
}

}  // namespace
}  // namespace harness::model
