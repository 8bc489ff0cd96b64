// What one can tell a thread pool to do and only a thread pool: submitters that run their own tasks, deadlines of pending tasks; and
// what happens when its tasks wait for each other.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/tests/controlled_pool.h"
#include "pools/tests/event_log.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;
using Held = ControlledPool<ThreadPool>;

// --- submitters that run their own tasks ---

TEST(CallerRuns, a_submit_that_finds_the_queue_full_runs_its_task_itself) {
  const auto log = std::make_shared<EventLog>();
  Held held({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}, .timing = true, .observer = log});
  const auto queued = held.pool.submit([] { return std::this_thread::get_id(); });
  const auto here = held.pool.submit([] { return std::this_thread::get_id(); });
  ASSERT_TRUE(here.done());
  EXPECT_EQ(here.result(), std::this_thread::get_id());
  EXPECT_FALSE(queued.done());
  EXPECT_THAT(log->of(2), testing::ElementsAre("submitted", "started", "done"));
  bool ran = false;
  held.pool.post([&] { ran = true; });
  EXPECT_TRUE(ran);
  expect_balance(held.pool);
  EXPECT_EQ(held.pool.metrics().done, 2U);
  held.gate.open();
  EXPECT_NE(queued.result(), std::this_thread::get_id());
  held.pool.shutdown();
  EXPECT_EQ(held.pool.metrics().run_time->count(), 4U);
}

TEST(CallerRuns, what_it_throws_and_its_callbacks_are_as_ever) {
  Held held({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  held.pool.submit([] {});
  bool called = false;
  const auto failed = held.pool.submit_with_callback([&](const Future<int>& f) { called = f.exception() != nullptr; },
                                                     []() -> int { throw std::runtime_error("on purpose"); });
  EXPECT_TRUE(called);
  EXPECT_THROW(failed.result(), std::runtime_error);
  EXPECT_EQ(held.pool.metrics().failed, 1U);
}

TEST(CallerRuns, a_paused_pool_starts_nothing_there_either) {
  ThreadPool pool({.workers = 1, .queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  pool.start_all();
  pool.pause();
  const auto queued = pool.submit([] { return 1; });
  std::atomic<bool> ran{false};
  std::atomic<bool> about_to{false};
  std::jthread submitter([&] {
    about_to = true;
    pool.submit([&] { ran = true; }).result();
  });
  wait_until([&] { return about_to.load(); });
  for (int look = 0; look < 200; ++look) {
    std::this_thread::yield();
    EXPECT_FALSE(ran);
  }
  pool.resume();
  submitter.join();
  EXPECT_TRUE(ran);
  EXPECT_EQ(queued.result(), 1);
}

// --- pause ---

TEST(ThreadPause, returns_when_what_was_claimed_before_has_started_as_far_as_an_observer_can_tell) {
  struct Slow final : PoolObserver {
    void started(std::uint64_t, int) noexcept override {
      entered.count_down();
      released.wait();
      told = true;
    }
    std::latch entered{1};
    std::latch released{1};
    std::atomic<bool> told{false};
  };
  const auto slow = std::make_shared<Slow>();
  ThreadPool pool({.workers = 1, .observer = slow});
  const auto task = pool.submit([] { return 1; });
  slow->entered.wait();
  std::atomic<bool> returned{false};
  bool told_before = false;
  std::jthread pauser([&] {
    pool.pause();
    told_before = slow->told;
    returned = true;
  });
  wait_until([&] { return pool.paused(); });
  std::this_thread::sleep_for(20ms);   // nothing is to happen, so there is nothing to wait for
  EXPECT_FALSE(returned);
  slow->released.count_down();
  pauser.join();
  EXPECT_TRUE(told_before);
  pool.resume();
  EXPECT_EQ(task.result(), 1);
}

// --- deadlines ---

TEST(ThreadDeadline, a_task_that_has_not_started_by_its_deadline_is_cancelled) {
  Held held;
  std::atomic<int> called{0};
  bool ran = false;
  const auto late = held.pool.with({.deadline = 1ms}).submit_with_callback([&](const Future<void>& f) { called += f.cancelled() ? 1 : 100; },
                                                                           [&] { ran = true; });
  const auto in_time = held.pool.with({.deadline = 1h}).submit([] { return 7; });
  held.pool.with({.deadline = 1ms}).post([&] { ran = true; });
  wait(std::vector{late});   // while the only worker stands at the gate
  EXPECT_TRUE(late.cancelled());
  wait_until([&] { return held.pool.metrics().cancelled == 2; });
  held.gate.open();
  EXPECT_EQ(in_time.result(), 7);
  held.pool.shutdown();
  EXPECT_FALSE(ran);
  EXPECT_EQ(called, 1);
  expect_balance(held.pool);
}

TEST(ThreadDeadline, a_nearer_one_counts_while_a_distant_one_is_awaited) {
  Held held;
  const auto distant = held.pool.with({.deadline = 1h}).submit([] { return 7; });
  for (int time = 0; time < 20; ++time) {
    const auto late = held.pool.with({.deadline = 1ms}).submit([] { return 8; });
    wait(std::vector{late});
    EXPECT_TRUE(late.cancelled());
  }
  held.gate.open();
  EXPECT_EQ(distant.result(), 7);
}

TEST(ThreadDeadline, does_not_touch_what_has_started) {
  ThreadPool pool{1};
  Gate gate;
  const auto future = pool.with({.deadline = 20ms}).submit<&pass_and_return>(gate.name(), 5);
  gate.await();
  std::this_thread::sleep_for(30ms);   // past it: nothing is to happen, so there is nothing to wait for
  EXPECT_FALSE(future.done());
  gate.open();
  EXPECT_EQ(future.result(), 5);
}

TEST(ThreadDeadline, must_be_positive_and_may_be_as_long_as_there_is) {
  ThreadPool pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.with({.deadline = 0ns}), std::invalid_argument, testing::HasSubstr("0"));
  EXPECT_THROW(pool.with({.deadline = -1s}), std::invalid_argument);
  EXPECT_EQ(pool.with({.deadline = std::chrono::nanoseconds::max()}).submit([] { return 3; }).result(), 3);
}

TEST(ThreadDeadline, tasks_that_start_and_deadlines_that_come_exclude_each_other) {
  ThreadPool pool{2};
  std::atomic<int> ran{0};
  int cancelled = 0;
  std::vector<Future<void>> futures;
  for (int task = 0; task < 2000; ++task) {
    futures.push_back(pool.with({.deadline = std::chrono::microseconds(1 + task % 40)}).submit([&] { ++ran; }));
  }
  wait(futures);
  for (const auto& future : futures) cancelled += future.cancelled();
  EXPECT_EQ(ran + cancelled, 2000);
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.cancelled, static_cast<std::uint64_t>(cancelled));
  EXPECT_EQ(m.done, static_cast<std::uint64_t>(ran));
}

// --- tasks that wait for tasks ---

// fib the wrong way: each task waits for two others of the same pool.
int fib(ThreadPool& pool, int n) {
  if (n < 2) return n;
  const auto a = pool.submit([&pool, n] { return fib(pool, n - 1); });
  const auto b = pool.submit([&pool, n] { return fib(pool, n - 2); });
  return a.result() + b.result();
}

TEST(Helping, a_task_that_waits_for_a_future_of_its_own_full_pool_runs_that_task) {
  ThreadPool pool{1};
  const auto outer = pool.submit([&] {
    const auto inner = pool.submit([] { return std::this_thread::get_id(); });
    return inner.result() == std::this_thread::get_id();
  });
  EXPECT_TRUE(outer.result());
  EXPECT_EQ(pool.submit([&] { return fib(pool, 12); }).result(), 144);
  ThreadPool several{3};
  EXPECT_EQ(several.submit([&] { return fib(several, 14); }).result(), 377);
  several.shutdown();
  const PoolMetrics m = several.metrics();
  EXPECT_EQ(m.submitted, m.done);
}

TEST(Helping, wait_as_completed_map_and_exception_help_too) {
  ThreadPool pool{1};
  const int sum = pool.submit([&] {
                        std::vector<Future<int>> futures;
                        for (int task = 0; task < 5; ++task) futures.push_back(pool.submit([task] { return task; }));
                        wait(futures);
                        int total = 0;
                        for (const auto& future : futures) total += future.result();   // 10
                        std::vector<Future<int>> more;
                        for (int task = 0; task < 5; ++task) more.push_back(pool.submit([task] { return task; }));
                        for (const auto& future : as_completed(more)) total += future.result();   // 20
                        for (const int value : pool.map([](int x) { return x; }, std::vector{1, 2, 3})) total += value;   // 26
                        const auto failing = pool.submit([]() -> int { throw std::runtime_error("on purpose"); });
                        return total + (failing.exception() ? 1 : 0);
                      }).result();
  EXPECT_EQ(sum, 27);
}

TEST(Helping, runs_that_task_and_no_other_and_not_if_there_is_a_timeout) {
  ThreadPool pool{1};
  std::atomic<bool> other_ran{false};
  const auto outer = pool.submit([&] {
    const auto other = pool.submit([&] { other_ran = true; });
    const auto wanted = pool.submit([] { return 1; });
    EXPECT_EQ(wanted.result(), 1);
    EXPECT_FALSE(other_ran);
    EXPECT_THROW(other.result(1ms), TimeoutError);
    EXPECT_FALSE(other_ran);
    return other;
  });
  outer.result().result();
  EXPECT_TRUE(other_ran);
}

TEST(Helping, a_task_that_was_helped_can_be_neither_started_again_nor_cancelled) {
  ThreadPool pool{1};
  std::atomic<int> runs{0};
  pool.submit([&] {
        const auto inner = pool.submit([&] { ++runs; });
        inner.result();
        EXPECT_FALSE(inner.cancel());
      })
      .result();
  pool.shutdown();
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(pool.metrics().done, 2U);
}

TEST(Helping, waits_for_the_end_of_a_pause) {
  ThreadPool pool{1};
  std::latch paused(1);
  std::latch about_to(1);
  const auto outer = pool.submit([&] {
    const auto inner = pool.submit([] { return 5; });
    about_to.count_down();
    paused.wait();
    return inner.result();
  });
  about_to.wait();
  pool.pause();
  paused.count_down();
  for (int look = 0; look < 200; ++look) {
    std::this_thread::yield();
    EXPECT_FALSE(outer.done());
  }
  pool.resume();
  EXPECT_EQ(outer.result(), 5);
}

TEST(Helping, a_cycle_of_waiting_tasks_is_an_error_in_the_one_that_would_close_it) {
  ThreadPool pool{2};
  Promise<Future<int>> second;
  const Future<Future<int>> second_future = second.future();
  const auto first = pool.submit([second_future] { return second_future.result().result(); });
  second.set_running();
  const Future<int> closing = pool.submit([first] { return first.result(); });
  second.set_value(closing);
  int deadlocks = 0;
  for (const Future<int>& future : {first, closing}) {
    try {
      future.result();
    } catch (const DeadlockError&) {
      ++deadlocks;   // in the one, and passed on by the other
    }
  }
  EXPECT_EQ(deadlocks, 2);
}

TEST(Helping, a_task_that_waits_for_itself_is_an_error) {
  ThreadPool pool{2};
  Promise<Future<int>> own;
  const Future<Future<int>> own_future = own.future();
  const Future<int> future = pool.submit([own_future] { return own_future.result().result(); });
  own.set_running();
  own.set_value(future);
  POOLS_EXPECT_THROW_WHAT(future.result(), DeadlockError, testing::HasSubstr("its own result"));
}

TEST(Helping, a_timed_wait_that_closes_a_cycle_times_out) {
  ThreadPool pool{2};
  Promise<Future<int>> own;
  const Future<Future<int>> own_future = own.future();
  const Future<int> future = pool.submit([own_future] { return own_future.result().result(1ms); });
  own.set_running();
  own.set_value(future);
  EXPECT_THROW(future.result(), TimeoutError);
}

TEST(Helping, tasks_of_two_pools_that_wait_for_each_other_are_an_error_too) {
  ThreadPool a{1};
  ThreadPool b{1};
  Promise<Future<int>> of_b;
  const Future<Future<int>> of_b_future = of_b.future();
  const Future<int> in_a = a.submit([of_b_future] { return of_b_future.result().result(); });
  of_b.set_running();
  const Future<int> in_b = b.submit([in_a] { return in_a.result(); });
  of_b.set_value(in_b);
  EXPECT_THROW(in_a.result(), DeadlockError);
  EXPECT_THROW(in_b.result(), DeadlockError);
}

TEST(Helping, waiting_for_one_that_runs_elsewhere_and_does_not_wait_is_no_error) {
  ThreadPool pool{2};
  Gate gate;
  const auto slow = pool.submit<&pass_and_return>(gate.name(), 4);
  gate.await();
  const auto waiting = pool.submit([slow] { return slow.result(); });
  wait_until([&] { return waiting.running(); });
  gate.open();
  EXPECT_EQ(waiting.result(), 4);
}

TEST(Helping, trees_of_waiting_tasks_end_under_cancellations_and_pauses) {
  std::minstd_rand random(3);
  for (int round = 0; round < 30; ++round) {
    ThreadPool pool{1 + round % 4};
    std::vector<Future<int>> roots;
    for (int root = 0; root < 4; ++root) roots.push_back(pool.submit([&] { return fib(pool, 8); }));
    if (random() % 2 == 0) roots[random() % 4].cancel();
    pool.pause();
    pool.resume();
    for (const auto& root : roots) {
      try {
        EXPECT_EQ(root.result(), 21);
      } catch (const CancelledError&) {
      }
    }
    expect_balance(pool);
  }
}

// --- workers ---

TEST(ThreadControl, a_resize_leaves_no_thread_behind) {
  std::thread([] {}).join();   // with the first thread comes that of a sanitizer
  const auto before = threads();
  {
    ThreadPool pool{4};
    pool.start_all();
    for (int round = 0; round < 50; ++round) {
      pool.resize(1 + round % 6);
      pool.submit([] {}).result();
    }
    pool.resize(1);
    wait_until([&] { return pool.metrics().workers == 1; });
  }
  wait_until([&] { return threads() <= before; });
}

TEST(ThreadControl, shutdown_with_tasks_that_have_deadlines_returns) {
  for (int round = 0; round < 50; ++round) {
    ThreadPool pool{2};
    for (int task = 0; task < 20; ++task) pool.with({.deadline = 50us}).post([] {});
  }
}

TEST(ThreadControl, a_callback_of_a_cancelled_deadline_may_shut_the_pool_down) {
  Held held;
  std::atomic<bool> called{false};
  held.pool.with({.deadline = 1ms}).submit_with_callback(
      [&](const Future<void>&) {
        held.pool.shutdown({.wait = false});
        called = true;
      },
      [] {});
  wait_until([&] { return called.load(); });
  EXPECT_THROW(held.pool.submit([] {}), ShutdownError);
}

}  // namespace
}  // namespace pools::test
