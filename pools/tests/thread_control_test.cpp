// What one can tell a thread pool to do and only a thread pool: submitters that run their own tasks; and
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
  std::this_thread::sleep_for(20ms);  // nothing is to happen, so there is nothing to wait for
  EXPECT_FALSE(returned);
  slow->released.count_down();
  pauser.join();
  EXPECT_TRUE(told_before);
  pool.resume();
  EXPECT_EQ(task.result(), 1);
}

// --- start_by ---

TEST(ThreadStartBy, a_posted_task_that_has_not_begun_by_its_time_is_dropped) {
  Held held;
  bool ran = false;
  held.pool.with({.start_by = 1ms}).post([&] { ran = true; });
  wait_until([&] { return held.pool.metrics().cancelled == 1; });  // while the only worker stands at the gate
  held.gate.open();
  held.pool.shutdown();
  EXPECT_FALSE(ran);
  expect_balance(held.pool);
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
                        for (const auto& future : futures) total += future.result();  // 10
                        std::vector<Future<int>> more;
                        for (int task = 0; task < 5; ++task) more.push_back(pool.submit([task] { return task; }));
                        for (const auto& future : as_completed(more)) total += future.result();                          // 20
                        for (const int value : pool.map([](int x) { return x; }, std::vector{1, 2, 3})) total += value;  // 26
                        const auto failing = pool.submit([]() -> int { throw std::runtime_error("on purpose"); });
                        return total + (failing.exception() ? 1 : 0);
                      })
                      .result();
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
  EXPECT_TRUE(second.set_running());
  const Future<int> closing = pool.submit([first] { return first.result(); });
  second.set_value(closing);
  int deadlocks = 0;
  for (const Future<int>& future : {first, closing}) {
    try {
      future.result();
    } catch (const DeadlockError&) {
      ++deadlocks;  // in the one, and passed on by the other
    }
  }
  EXPECT_EQ(deadlocks, 2);
}

TEST(Helping, a_task_that_waits_for_itself_is_an_error) {
  ThreadPool pool{2};
  Promise<Future<int>> own;
  const Future<Future<int>> own_future = own.future();
  const Future<int> future = pool.submit([own_future] { return own_future.result().result(); });
  EXPECT_TRUE(own.set_running());
  own.set_value(future);
  POOLS_EXPECT_THROW_WHAT(future.result(), DeadlockError, testing::HasSubstr("its own result"));
}

TEST(Helping, a_timed_wait_that_closes_a_cycle_times_out) {
  ThreadPool pool{2};
  Promise<Future<int>> own;
  const Future<Future<int>> own_future = own.future();
  const Future<int> future = pool.submit([own_future] { return own_future.result().result(1ms); });
  EXPECT_TRUE(own.set_running());
  own.set_value(future);
  EXPECT_THROW(future.result(), TimeoutError);
}

TEST(Helping, tasks_of_two_pools_that_wait_for_each_other_are_an_error_too) {
  ThreadPool a{1};
  ThreadPool b{1};
  Promise<Future<int>> of_b;
  const Future<Future<int>> of_b_future = of_b.future();
  const Future<int> in_a = a.submit([of_b_future] { return of_b_future.result().result(); });
  EXPECT_TRUE(of_b.set_running());
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
  std::thread([] {}).join();  // with the first thread comes that of a sanitizer
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

TEST(ThreadControl, shutdown_with_tasks_that_have_to_start_by_a_time_returns) {
  for (int round = 0; round < 50; ++round) {
    ThreadPool pool{2};
    for (int task = 0; task < 20; ++task) pool.with({.start_by = 50us}).post([] {});
  }
}

}  // namespace
}  // namespace pools::test
