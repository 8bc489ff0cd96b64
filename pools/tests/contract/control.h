#pragma once

// What one can tell either pool to do, and what it tells: priorities, bounds, pauses, sizes, CPUs, metrics, events.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/future.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/event_log.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

// Numbers of the CPUs that the calling thread may run on.
inline std::vector<int> cpus_of_caller(int) {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

template <class Pool>
class ControlContract : public testing::Test {};
TYPED_TEST_SUITE_P(ControlContract);

// --- priorities ---

TYPED_TEST_P(ControlContract, tasks_are_claimed_in_submission_order_within_a_priority_and_higher_ones_first) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  {
    ControlledPool<TypeParam> held;
    for (const int value : {1, 2}) held.pool.template submit<&log_value>(log, value);
    for (const int value : {11, 12}) held.pool.with({.priority = 5}).template submit<&log_value>(log, value);
    for (const int value : {-1, -2}) held.pool.with({.priority = -5}).template submit<&log_value>(log, value);
    held.pool.with({.priority = 9}).template submit<&log_value>(log, 99);
    held.pool.template submit<&log_value>(log, 3);
  }
  EXPECT_THAT(logged(log), testing::ElementsAre(99, 11, 12, 1, 2, 3, -1, -2));
}

TYPED_TEST_P(ControlContract, what_comes_with_a_priority_can_be_cancelled_and_called_back) {
  ControlledPool<TypeParam> held;
  std::atomic<int> called{0};
  const auto kept = held.pool.with({.priority = 2})
                        .template submit_with_callback<&square>([&](const Future<int>& f) { called += f.result(); }, 3);
  const auto dropped = held.pool.with({.priority = 3}).template submit<&square>(4);
  EXPECT_TRUE(dropped.cancel());
  expect_balance(held.pool);
  held.gate.open();
  EXPECT_EQ(kept.result(), 9);
  held.pool.shutdown();
  EXPECT_EQ(called, 9);
  EXPECT_EQ(held.pool.metrics().cancelled, 1U);
}

// --- the bounded queue ---

TYPED_TEST_P(ControlContract, a_full_queue_rejects_and_a_cancelled_task_frees_its_place_at_once) {
  ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 2, .when_full = WhenFull::reject}));
  const auto first = held.pool.template submit<&square>(1);
  const auto second = held.pool.template submit<&square>(2);
  POOLS_EXPECT_THROW_WHAT(held.pool.template submit<&square>(3), QueueFullError, testing::HasSubstr("2 tasks"));
  EXPECT_TRUE(first.cancel());
  const auto third = held.pool.template submit<&square>(3);
  EXPECT_THROW(held.pool.template submit<&square>(4), QueueFullError);
  expect_balance(held.pool);
  EXPECT_EQ(held.pool.metrics().queued, 2U);
  held.gate.open();
  EXPECT_EQ(second.result() + third.result(), 13);
}

TYPED_TEST_P(ControlContract, a_full_queue_says_how_many_tasks_wait) {
  for (const auto& [limit, words] : {std::pair{1U, "is full: 1 task waits"}, std::pair{2U, "is full: 2 tasks wait"}}) {
    ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = limit, .when_full = WhenFull::reject}));
    for (unsigned task = 0; task < limit; ++task) held.pool.template submit<&square>(1);
    POOLS_EXPECT_THROW_WHAT(held.pool.template submit<&square>(1), QueueFullError, testing::EndsWith(words));
    held.gate.open();
  }
}

TYPED_TEST_P(ControlContract, a_submit_to_a_full_queue_waits_for_room_for_a_cancellation_or_for_the_end) {
  for (const std::string how : {"room", "cancel", "shutdown"}) {
    ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 1}));
    const auto waiting = held.pool.template submit<&square>(1);
    std::atomic<bool> accepted{false};
    std::atomic<bool> refused{false};
    std::jthread submitter([&] {
      try {
        held.pool.template submit<&square>(2);
        accepted = true;
      } catch (const ShutdownError&) {
        refused = true;
      }
    });
    if (how == "room") held.gate.open();
    if (how == "cancel") {
      EXPECT_TRUE(waiting.cancel());
    }
    if (how == "shutdown") held.pool.shutdown({.wait = false});
    submitter.join();
    EXPECT_EQ(refused, how == "shutdown" && !accepted);
    EXPECT_TRUE(accepted || refused);
    held.gate.open();
  }
}

TYPED_TEST_P(ControlContract, blocked_submitters_lose_no_wake_up) {
  TypeParam pool(options_for<TypeParam>(2, {.limit = 1}));
  std::atomic<int> sum{0};
  {
    std::vector<std::jthread> submitters;
    for (int submitter = 0; submitter < 4; ++submitter) {
      submitters.emplace_back([&] {
        for (int task = 0; task < 300; ++task) sum += pool.template submit<&identity>(1).result();
      });
    }
  }
  EXPECT_EQ(sum, 1200);
}

TYPED_TEST_P(ControlContract, callbacks_may_submit_to_a_full_queue) {
  ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = 1}));
  std::vector<Future<int>> more;
  std::atomic<bool> complete{false};
  const auto waiting = held.pool.template submit_with_callback<&square>(
      [&](const Future<int>&) {
        for (int task = 0; task < 5; ++task) more.push_back(held.pool.template submit<&square>(task));
        complete = true;
      },
      7);
  held.gate.open();
  waiting.result();
  wait_until([&] { return complete.load(); });
  int sum = 0;
  for (const auto& future : more) sum += future.result();
  EXPECT_EQ(sum, 0 + 1 + 4 + 9 + 16);
}

TYPED_TEST_P(ControlContract, a_limit_beyond_all_numbers_is_none) {
  for (const std::size_t limit : {std::size_t{1} << 63, ~std::size_t{0}}) {
    ControlledPool<TypeParam> held(options_for<TypeParam>(1, {.limit = limit, .when_full = WhenFull::reject}));
    for (int task = 0; task < 10; ++task) held.pool.template submit<&identity>(task);
    EXPECT_EQ(held.pool.metrics().queued, 10U);
    held.gate.open();
    held.pool.shutdown();
  }
}

// --- pause, resume, resize ---

TYPED_TEST_P(ControlContract, no_task_starts_from_the_return_of_pause_until_resume) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool(options_for<TypeParam>(2));
  pool.start_all();
  for (int round = 0; round < 20; ++round) {
    std::vector<Future<int>> futures;
    for (int task = 0; task < 100; ++task) futures.push_back(pool.template submit<&log_value>(log, task));
    pool.pause();
    EXPECT_TRUE(pool.paused());
    // What was begun may still end; then nothing moves, however long one looks.
    wait_until([&] { return pool.metrics().running == 0; });
    const std::uint64_t done = pool.metrics().done;
    for (int look = 0; look < 50; ++look) {
      ::sched_yield();
      EXPECT_EQ(pool.metrics().done, done);
    }
    EXPECT_EQ(logged(log).size(), done);
    expect_balance(pool);
    pool.resume();
    EXPECT_FALSE(pool.paused());
    for (const auto& future : futures) future.result();
  }
}

TYPED_TEST_P(ControlContract, what_waits_for_the_end_of_a_pause_is_pending_and_can_be_cancelled) {
  TypeParam pool(options_for<TypeParam>(2));
  pool.start_all();
  pool.pause();
  const auto dropped = pool.template submit<&square>(2);
  const auto kept = pool.template submit<&square>(3);
  EXPECT_FALSE(dropped.running());
  EXPECT_TRUE(dropped.cancel());
  EXPECT_FALSE(kept.done());
  pool.resume();
  EXPECT_EQ(kept.result(), 9);
}

TYPED_TEST_P(ControlContract, shutdown_resumes) {
  TypeParam pool(options_for<TypeParam>(2));
  pool.pause();
  const auto future = pool.template submit<&square>(3);
  EXPECT_FALSE(future.done());
  pool.shutdown();
  EXPECT_EQ(future.result(), 9);
  pool.pause();  // without effect
  EXPECT_FALSE(pool.paused());
}

TYPED_TEST_P(ControlContract, nothing_that_a_pause_held_back_starts_at_a_shutdown_that_cancels) {
  for (int round = 0; round < 50; ++round) {
    TypeParam pool(options_for<TypeParam>(4));
    pool.start_all();
    pool.pause();
    std::vector<Future<int>> futures;
    for (int task = 0; task < 20; ++task) futures.push_back(pool.template submit<&square>(task));
    pool.shutdown({.cancel_futures = true});
    for (const auto& future : futures) ASSERT_TRUE(future.cancelled()) << "round " << round;
  }
}

TYPED_TEST_P(ControlContract, grows_and_shrinks_while_it_runs) {
  TypeParam pool(options_for<TypeParam>(1));
  pool.start_all();
  pool.resize(4);
  EXPECT_EQ(pool.workers(), 4);
  pool.start_all();
  {
    Gate gate;
    std::vector<Future<int>> futures;
    for (int task = 0; task < 4; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
    gate.await(4);  // all at once
    gate.open();
    for (const auto& future : futures) future.result();
  }
  EXPECT_EQ(pool.metrics().workers, 4);
  pool.resize(2);
  wait_until([&] { return pool.metrics().workers == 2; });
  for (int task = 0; task < 50; ++task) EXPECT_EQ(pool.template submit<&square>(task).result(), task * task);
  POOLS_EXPECT_THROW_WHAT(pool.resize(0), std::invalid_argument, testing::HasSubstr("0"));
  EXPECT_EQ(pool.workers(), 2);
  pool.shutdown();
  EXPECT_THROW(pool.resize(3), ShutdownError);
}

TYPED_TEST_P(ControlContract, shrinking_lets_busy_workers_finish) {
  Gate gate;
  TypeParam pool(options_for<TypeParam>(2));
  const auto first = pool.template submit<&pass_and_return>(gate.name(), 1);
  const auto second = pool.template submit<&pass_and_return>(gate.name(), 2);
  gate.await(2);
  pool.resize(1);
  EXPECT_FALSE(first.done() || second.done());
  gate.open();
  EXPECT_EQ(first.result() + second.result(), 3);
  wait_until([&] { return pool.metrics().workers == 1; });
  EXPECT_EQ(pool.template submit<&square>(3).result(), 9);
}

TYPED_TEST_P(ControlContract, no_task_is_lost_however_a_pool_is_resized_and_paused) {
  TypeParam pool(options_for<TypeParam>(2));
  std::minstd_rand random(17);
  std::vector<Future<int>> futures;
  for (int round = 0; round < 60; ++round) {
    for (int task = 0; task < 20; ++task) futures.push_back(pool.template submit<&identity>(1));
    switch (random() % 3) {
      case 0:
        pool.resize(1 + static_cast<int>(random() % 5));
        break;
      case 1:
        pool.pause();
        break;
      default:
        pool.resume();
    }
    expect_balance(pool);
  }
  pool.resume();
  int sum = 0;
  for (const auto& future : futures) sum += future.result();
  EXPECT_EQ(sum, 1200);
}

// --- CPUs ---

TYPED_TEST_P(ControlContract, workers_run_on_the_cpus_that_they_are_given) {
  const std::vector<int> allowed = cpus_of_caller(0);
  auto options = options_for<TypeParam>(2);
  options.cpus = {allowed.back()};
  TypeParam pool(options);
  EXPECT_THAT(pool.template submit<&cpus_of_caller>(0).result(), testing::ElementsAre(allowed.back()));
  options.cpus = {allowed.back(), 100000};
  POOLS_EXPECT_THROW_WHAT(TypeParam(options), std::invalid_argument, testing::HasSubstr("100000"));
}

// --- metrics and events ---

TYPED_TEST_P(ControlContract, metrics_balance_at_any_moment_and_are_read_without_stopping_the_pool) {
  TypeParam pool(options_for<TypeParam>(2));
  std::atomic<bool> over{false};
  std::jthread reader([&] {
    std::uint64_t ended = 0;
    while (!over) {
      const PoolMetrics m = pool.metrics();
      EXPECT_EQ(m.submitted, m.queued + m.running + m.done + m.failed + m.cancelled);
      EXPECT_LE(m.running, m.submitted);
      EXPECT_GE(m.done + m.failed + m.cancelled, ended);
      ended = m.done + m.failed + m.cancelled;
    }
  });
  std::uint64_t cancelled = 0;
  std::vector<Future<int>> futures;
  for (int task = 0; task < 1000; ++task) {
    futures.push_back(pool.template submit<&square_unless_negative>(task % 10 == 0 ? -1 : task));
    if (task % 7 == 0 && futures[static_cast<std::size_t>(task) / 2].cancel()) ++cancelled;
  }
  wait(futures);
  over = true;
  reader.join();
  const PoolMetrics m = pool.metrics();
  std::uint64_t failed = 0;
  std::uint64_t were_cancelled = 0;
  for (const auto& future : futures) {
    if (future.cancelled()) {
      ++were_cancelled;
    } else if (future.exception()) {
      ++failed;
    }
  }
  EXPECT_EQ(m.submitted, 1000U);
  EXPECT_EQ(m.failed, failed);
  EXPECT_EQ(m.cancelled, were_cancelled);
  EXPECT_EQ(m.done, 1000 - failed - were_cancelled);
  EXPECT_EQ(m.queued + m.running, 0U);
  EXPECT_FALSE(m.queue_wait || m.run_time);
}

TYPED_TEST_P(ControlContract, what_a_future_says_has_happened_is_counted) {
  TypeParam pool(options_for<TypeParam>(2));
  for (std::uint64_t task = 0; task < 300; ++task) {
    pool.template submit<&identity>(1).result();
    EXPECT_EQ(pool.metrics().done, task + 1);
  }
}

TYPED_TEST_P(ControlContract, with_timing_every_task_that_was_started_is_in_both_histograms) {
  auto options = options_for<TypeParam>(1);
  options.timing = true;
  ControlledPool<TypeParam> held(options);
  const auto dropped = held.pool.template submit<&square>(1);
  dropped.cancel();
  std::vector<Future<int>> futures;
  for (int task = 0; task < 20; ++task) futures.push_back(held.pool.template submit<&square>(task));
  const auto before = std::chrono::steady_clock::now();
  held.gate.open();
  wait(futures);
  const auto after = std::chrono::steady_clock::now();
  held.pool.shutdown();
  const PoolMetrics m = held.pool.metrics();
  ASSERT_TRUE(m.queue_wait && m.run_time);
  EXPECT_EQ(m.queue_wait->count(), 21U);
  EXPECT_EQ(m.run_time->count(), 21U);
  EXPECT_GT(m.run_time->max().count(), 0);
  // All but the first waited until the gate was opened, and what one waited is less than the test took.
  EXPECT_GT(m.queue_wait->quantile(1).count(), 0);
  EXPECT_GT((after - before).count(), 0);
  EXPECT_LE(m.queue_wait->quantile(0.5), m.queue_wait->max());
}

TYPED_TEST_P(ControlContract, an_observer_sees_every_step_in_order_and_before_the_future_is_done) {
  const auto log = std::make_shared<EventLog>();
  {
    auto options = options_for<TypeParam>(1);
    options.observer = log;
    ControlledPool<TypeParam> held(options);
    const auto dropped = held.pool.template submit<&square>(1);
    const auto failing = held.pool.template submit<&fail>(std::string("on purpose"));
    const auto good = held.pool.template submit<&square>(3);
    EXPECT_TRUE(dropped.cancel());
    EXPECT_THAT(log->of(3), testing::ElementsAre("submitted"));
    held.gate.open();
    good.result();
    EXPECT_THAT(log->of(3), testing::ElementsAre("submitted", "started", "done"));
    EXPECT_THAT(log->of(2), testing::ElementsAre("submitted", "started", "failed"));
    EXPECT_EQ(log->up, 1);
  }
  EXPECT_THAT(log->of(0), testing::ElementsAre("submitted", "started", "done"));
  EXPECT_THAT(log->of(1), testing::ElementsAre("submitted", "cancelled"));
  EXPECT_EQ(log->down, 1);
}

REGISTER_TYPED_TEST_SUITE_P(
    ControlContract, tasks_are_claimed_in_submission_order_within_a_priority_and_higher_ones_first,
    what_comes_with_a_priority_can_be_cancelled_and_called_back,
    a_full_queue_rejects_and_a_cancelled_task_frees_its_place_at_once, a_full_queue_says_how_many_tasks_wait,
    a_submit_to_a_full_queue_waits_for_room_for_a_cancellation_or_for_the_end, blocked_submitters_lose_no_wake_up,
    callbacks_may_submit_to_a_full_queue, a_limit_beyond_all_numbers_is_none,
    no_task_starts_from_the_return_of_pause_until_resume, what_waits_for_the_end_of_a_pause_is_pending_and_can_be_cancelled,
    shutdown_resumes, nothing_that_a_pause_held_back_starts_at_a_shutdown_that_cancels, grows_and_shrinks_while_it_runs,
    shrinking_lets_busy_workers_finish, no_task_is_lost_however_a_pool_is_resized_and_paused,
    workers_run_on_the_cpus_that_they_are_given, metrics_balance_at_any_moment_and_are_read_without_stopping_the_pool,
    what_a_future_says_has_happened_is_counted, with_timing_every_task_that_was_started_is_in_both_histograms,
    an_observer_sees_every_step_in_order_and_before_the_future_is_done);

}  // namespace pools::test
