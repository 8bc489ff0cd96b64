// start_by where only a process pool can have a task that has not begun: with a worker, and between two tries.

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class ProcessStartBy : public ProcessTest {};

int kill_self(int) {
  ::raise(SIGKILL);
  return 0;
}

TEST_F(ProcessStartBy, a_task_that_a_worker_was_given_and_has_not_begun_is_cancelled) {
  ProcessPool pool({.workers = 1, .grace = 1h});
  pool.start_all();
  const pid_t worker = pool.worker_pids().front();
  ::kill(worker, SIGSTOP);
  const auto late = pool.with({.start_by = 1ms, .time_limit = 1h}).submit<&identity>(1);
  EXPECT_THROW(late.result(), CancelledError);
  expect_balance(pool);
  ::kill(worker, SIGCONT);
  EXPECT_EQ(pool.submit<&identity>(2).result(), 2);
  pool.shutdown();
  EXPECT_EQ(pool.metrics().cancelled, 1U);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

TEST_F(ProcessStartBy, a_task_that_waits_for_its_retry_is_cancelled) {
  constexpr auto kMost = std::chrono::nanoseconds::max();
  ProcessPool pool({.workers = 1, .retry = {.retries = 1, .backoff = kMost, .max_backoff = kMost}, .crash_limit = 0});
  pool.start_all();
  for (auto time = 100ms;; time *= 2) {  // until the machine is fast enough for it to die in time
    const auto died = pool.metrics().crashed;
    const auto late = pool.with({.start_by = time}).submit<&kill_self>(1);
    wait_until([&] { return late.done() || (pool.metrics().crashed > died && !late.running()); });
    if (!wait(std::vector{late}, 2 * time).not_done.empty()) {
      EXPECT_TRUE(late.cancel());
      continue;
    }
    EXPECT_TRUE(late.cancelled());
    break;
  }
  pool.shutdown();  // has nothing to wait for
  EXPECT_EQ(pool.metrics().retried, 0U);
  expect_balance(pool);
}

TEST_F(ProcessStartBy, a_task_that_began_in_time_is_tried_again_also_after_it) {
  ProcessPool pool({.workers = 1, .retry = {.retries = 1, .backoff = 1ms}});
  pool.start_all();
  for (auto time = 50ms;; time *= 2) {
    Gate gate;
    const auto future = pool.with({.start_by = time}).submit<&pass_and_return>(gate.name(), 3);
    wait_until([&] { return future.running() || future.done(); });
    if (future.cancelled()) continue;
    gate.await();
    await_start_by(pool, time);  // later than the first one's
    ::kill(pool.worker_pids().front(), SIGKILL);
    gate.await();
    gate.open();
    EXPECT_EQ(future.result(), 3);
    break;
  }
  EXPECT_EQ(pool.metrics().retried, 1U);
}

TEST_F(ProcessStartBy, a_task_that_cancel_kills_and_that_runs_is_not_killed_by_it) {
  ProcessPool pool{1};
  pool.start_all();
  for (auto time = 50ms;; time *= 2) {
    Gate gate;
    const auto future = pool.with({.start_by = time, .cancel_kills = true}).submit<&pass_and_return>(gate.name(), 3);
    wait_until([&] { return future.running() || future.done(); });
    if (future.cancelled()) continue;
    await_start_by(pool, time);  // later than the first one's
    EXPECT_TRUE(future.running());
    gate.open();
    EXPECT_EQ(future.result(), 3);
    break;
  }
}

// The worker that skips it is idle, and not in the time of a task any more.
TEST_F(ProcessStartBy, a_task_that_was_cancelled_with_a_worker_leaves_it_no_time_limit) {
  ProcessPool pool({.workers = 1, .kill_gap = 1ms, .grace = 1h});
  pool.start_all();
  const pid_t worker = pool.worker_pids().front();
  ::kill(worker, SIGSTOP);
  const auto cancelled = pool.with({.time_limit = 300ms}).submit<&identity>(1);
  EXPECT_TRUE(cancelled.cancel());
  ::kill(worker, SIGCONT);
  Gate gate;
  const auto next = pool.submit<&pass_and_return>(gate.name(), 2);
  gate.await();
  await_start_by(pool, 400ms);  // later than the time that the first one was allowed
  gate.open();
  EXPECT_EQ(next.result(), 2);
  EXPECT_EQ(pool.worker_pids(), std::vector{worker});
}

TEST_F(ProcessStartBy, a_callback_of_what_was_cancelled_may_destroy_the_pool) {
  for (int round = 0; round < 10; ++round) {
    auto pool = std::make_unique<ProcessPool>(1);
    pool->pause();
    std::atomic<bool> gone{false};
    const auto other = pool->submit<&identity>(2);
    const auto late = pool->with({.start_by = 1ms})
                          .submit_with_callback<&identity>(
                              [&](const Future<int>&) {
                                pool.reset();
                                gone = true;
                              },
                              1);
    wait_until([&] { return gone.load(); });
    EXPECT_TRUE(late.cancelled());
    EXPECT_EQ(other.result(), 2);
  }
}

}  // namespace
}  // namespace pools::test
