#pragma once

// start_by: what has not begun by then is cancelled, what has goes on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pools/future.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

template <class Pool>
class StartByContract : public testing::Test {};
TYPED_TEST_SUITE_P(StartByContract);

TYPED_TEST_P(StartByContract, a_task_that_has_not_begun_by_then_is_cancelled_and_never_runs) {
  using namespace std::chrono_literals;
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  ControlledPool<TypeParam> held;
  std::atomic<int> called{0};
  const auto late =
      held.pool.with({.start_by = 1ms})
          .template submit_with_callback<&log_value>([&](const Future<int>& f) { called += f.cancelled() ? 1 : 100; }, log, 1);
  const auto in_time = held.pool.with({.start_by = 1h}).template submit<&log_value>(log, 2);
  EXPECT_THROW(late.result(), CancelledError);  // while the only worker stands at the gate
  expect_balance(held.pool);
  EXPECT_EQ(held.pool.metrics().cancelled, 1U);
  held.gate.open();
  EXPECT_EQ(in_time.result(), 2);
  held.pool.shutdown();
  EXPECT_EQ(called, 1);
  EXPECT_THAT(logged(log), testing::ElementsAre(2));
  expect_balance(held.pool);
}

TYPED_TEST_P(StartByContract, a_task_that_has_begun_goes_on) {
  using namespace std::chrono_literals;
  TypeParam pool{1};
  pool.start_all();
  for (auto time = 50ms;; time *= 2) {  // until the machine is fast enough for it to begin in time
    Gate gate;
    const Future<int> future = pool.with({.start_by = time}).template submit<&pass_and_return>(gate.name(), 5);
    wait_until([&] { return future.running() || future.done(); });
    if (future.cancelled()) continue;
    await_start_by(pool, time);  // later than the first one's
    EXPECT_FALSE(future.done());
    gate.open();
    EXPECT_EQ(future.result(), 5);
    break;
  }
}

TYPED_TEST_P(StartByContract, a_nearer_time_counts_while_a_distant_one_is_awaited) {
  using namespace std::chrono_literals;
  ControlledPool<TypeParam> held;
  const auto distant = held.pool.with({.start_by = 1h}).template submit<&identity>(7);
  for (int time = 0; time < 20; ++time) {
    const auto late = held.pool.with({.start_by = 1ms}).template submit<&identity>(8);
    wait(std::vector{late});
    EXPECT_TRUE(late.cancelled());
  }
  held.gate.open();
  EXPECT_EQ(distant.result(), 7);
}

TYPED_TEST_P(StartByContract, a_cancelled_task_gives_its_place_in_a_bounded_queue_back) {
  using namespace std::chrono_literals;
  ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 1, .when_full = WhenFull::reject}));
  for (int round = 0; round < 5; ++round) {
    const auto late = held.pool.with({.start_by = 1ms}).template submit<&identity>(round);
    wait(std::vector{late});
    EXPECT_TRUE(late.cancelled());
  }
  const auto kept = held.pool.template submit<&identity>(7);
  EXPECT_THROW(held.pool.template submit<&identity>(8), QueueFullError);
  expect_balance(held.pool);
  held.gate.open();
  EXPECT_EQ(kept.result(), 7);
}

TYPED_TEST_P(StartByContract, what_is_seen_cancelled_has_given_its_place_back) {
  ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 1, .when_full = WhenFull::reject}));
  for (int round = 0; round < 2000; ++round) {
    auto waiting = held.pool.template submit<&identity>(round);
    const std::jthread canceller([waiting]() mutable { waiting.cancel(); });
    while (!waiting.cancelled()) {
    }
    auto next = held.pool.template submit<&identity>(round);  // throws if the place is not there
    next.cancel();
  }
  expect_balance(held.pool);
  held.gate.open();
}

TYPED_TEST_P(StartByContract, tasks_that_begin_and_times_that_come_exclude_each_other) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool{2};
  pool.start_all();
  std::vector<Future<int>> futures;
  for (int task = 0; task < 1000; ++task) {
    futures.push_back(
        pool.with({.start_by = std::chrono::microseconds(1 + task % 40 * 10)}).template submit<&log_value>(log, task));
  }
  wait(futures);
  std::vector<int> ran;
  for (int task = 0; task < 1000; ++task) {
    if (!futures[static_cast<std::size_t>(task)].cancelled()) ran.push_back(task);
  }
  EXPECT_THAT(logged(log), testing::UnorderedElementsAreArray(ran));
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.cancelled, 1000 - ran.size());
  EXPECT_EQ(m.done, ran.size());
}

TYPED_TEST_P(StartByContract, it_must_be_above_zero_and_may_be_as_long_as_there_is) {
  using namespace std::chrono_literals;
  TypeParam pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.with({.start_by = 0ns}), std::invalid_argument, testing::HasSubstr("start_by"));
  POOLS_EXPECT_THROW_WHAT(pool.with({.start_by = -7ns}), std::invalid_argument, testing::HasSubstr("-7"));
  EXPECT_EQ(pool.with({.start_by = std::chrono::nanoseconds::max()}).template submit<&identity>(3).result(), 3);
}

TYPED_TEST_P(StartByContract, a_callback_of_what_was_cancelled_may_submit_and_shut_the_pool_down) {
  using namespace std::chrono_literals;
  ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 1}));
  std::atomic<bool> called{false};
  Future<int> inner;
  held.pool.with({.start_by = 1ms})
      .template submit_with_callback<&identity>(
          [&](const Future<int>&) {
            for (int task = 0; task < 3; ++task)
              inner = held.pool.template submit<&identity>(task);  // beyond the bound: it is one of the pool's own
            held.pool.shutdown({.wait = false});
            called = true;
          },
          1);
  wait_until([&] { return called.load(); });
  EXPECT_THROW(held.pool.template submit<&identity>(1), ShutdownError);
  held.gate.open();
  EXPECT_EQ(inner.result(), 2);
}

REGISTER_TYPED_TEST_SUITE_P(StartByContract, a_task_that_has_not_begun_by_then_is_cancelled_and_never_runs,
                            a_task_that_has_begun_goes_on, a_nearer_time_counts_while_a_distant_one_is_awaited,
                            a_cancelled_task_gives_its_place_in_a_bounded_queue_back,
                            what_is_seen_cancelled_has_given_its_place_back,
                            tasks_that_begin_and_times_that_come_exclude_each_other,
                            it_must_be_above_zero_and_may_be_as_long_as_there_is,
                            a_callback_of_what_was_cancelled_may_submit_and_shut_the_pool_down);

}  // namespace pools::test
