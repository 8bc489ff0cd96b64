// Threads that wait for a process pool's answer and supervise it meanwhile (leadership.h): who is woken, and that nothing is lost when they
// come and go.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/leader.h"
#include "pools/tests/process_checks.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class ProcessLeadership : public ProcessTest {};

int plus_one(int value) { return value + 1; }
int run_for_ever(int) {
  for (;;) ::pause();
}

TEST_F(ProcessLeadership, who_waits_takes_the_answer_and_the_supervisor_sleeps_on) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  const pid_t thread = supervisor();
  for (int round = 0; round < 50; ++round) {
    Gate gate;
    const auto future = pool.submit<&pass_and_return>(gate.name(), round);
    gate.await();
    Leader leader(future);
    const long before = sleeps_of(thread);
    gate.open();
    EXPECT_EQ(leader.result(), round);
    if (sleeps_of(thread) == before) return;  // else the time came for a look at whether the task had been begun
  }
  FAIL() << "the supervisor was woken each time";
}

TEST_F(ProcessLeadership, a_time_limit_ends_another_task_meanwhile) {
  ProcessPool pool({.workers = 2});
  pool.start_all();
  Gate gate;
  Leader leader(pool.submit<&pass_and_return>(gate.name(), 1));
  const auto endless = pool.with({.time_limit = 50ms}).submit<&run_for_ever>(0);
  EXPECT_TRUE(is_done_in_time(endless));
  EXPECT_THROW(endless.result(), WorkerDied);
  gate.open();
  EXPECT_EQ(leader.result(), 1);
}

TEST_F(ProcessLeadership, a_time_limit_outlives_the_leader) {
  ProcessPool pool({.workers = 2});
  pool.start_all();
  Gate gate;
  Leader leader(pool.submit<&pass_and_return>(gate.name(), 1));
  const auto endless = pool.with({.time_limit = 300ms}).submit<&run_for_ever>(0);
  gate.open();
  EXPECT_EQ(leader.result(), 1);
  EXPECT_TRUE(is_done_in_time(endless));
  EXPECT_THROW(endless.result(), WorkerDied);
}

TEST_F(ProcessLeadership, answers_to_others_come_meanwhile) {
  ProcessPool pool({.workers = 2});
  pool.start_all();
  Gate gate;
  Leader leader(pool.submit<&pass_and_return>(gate.name(), 1));
  for (int value = 0; value < 1000; ++value) {
    const auto future = pool.submit<&plus_one>(value);
    ASSERT_TRUE(is_done_in_time(future));
    ASSERT_EQ(future.result(), value + 1);
  }
  std::vector<Future<int>> many;
  for (int value = 0; value < 1000; ++value) many.push_back(pool.submit<&plus_one>(value));
  for (const auto& future : many) ASSERT_TRUE(is_done_in_time(future));
  gate.open();
  EXPECT_EQ(leader.result(), 1);
}

TEST_F(ProcessLeadership, a_cancel_ends_the_wait) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  pool.pause();
  const auto future = pool.submit<&plus_one>(1);
  Leader leader(future);
  EXPECT_TRUE(future.cancel());
  EXPECT_THROW(leader.result(), CancelledError);
}

TEST_F(ProcessLeadership, a_start_that_comes_too_late_ends_the_wait) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  pool.pause();
  Leader leader(pool.with({.start_by = 300ms}).submit<&plus_one>(1));
  EXPECT_THROW(leader.result(), CancelledError);
}

int pass_and_fail(const std::string& gate) {
  pass(gate);
  throw std::runtime_error("no such page");
}

// Of a task that is never submitted, which another pool's thread completes.
TEST_F(ProcessLeadership, the_error_of_what_comes_before_ends_the_wait) {
  Gate gate;
  ThreadPool fetchers(1);
  ProcessPool parsers({.workers = 1});
  parsers.start_all();
  const auto fetched = fetchers.submit(pass_and_fail, gate.name());
  gate.await();
  Leader leader(fetched.then_in<&plus_one>(parsers));
  gate.open();
  EXPECT_THROW(leader.result(), std::runtime_error);
}

TEST_F(ProcessLeadership, a_shutdown_that_cancels_ends_the_wait) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  pool.pause();
  Leader leader(pool.submit<&plus_one>(1));
  pool.shutdown({.wait = true, .cancel_futures = true});
  EXPECT_THROW(leader.result(), CancelledError);
}

TEST_F(ProcessLeadership, a_shutdown_waits_for_the_task_that_is_waited_for) {
  Gate gate;
  ProcessPool pool({.workers = 1});
  const auto future = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  Leader leader(future);
  std::thread closer([&] { pool.shutdown(); });
  gate.open();
  EXPECT_EQ(leader.result(), 1);
  closer.join();
}

TEST_F(ProcessLeadership, what_is_resumed_is_done_by_the_leader) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  pool.pause();
  Leader leader(pool.submit<&plus_one>(1));
  pool.resume();
  EXPECT_EQ(leader.result(), 2);
}

TEST_F(ProcessLeadership, a_resize_starts_workers_meanwhile) {
  ProcessPool pool({.workers = 1});
  pool.start_all();
  Gate gate;
  Leader leader(pool.submit<&pass_and_return>(gate.name(), 1));
  pool.resize(3);
  pool.start_all();
  EXPECT_EQ(pool.metrics().workers, 3);
  gate.open();
  EXPECT_EQ(leader.result(), 1);
}

TEST_F(ProcessLeadership, the_death_of_its_worker_is_seen_by_the_leader) {
  ProcessPool pool({.workers = 1});
  Gate gate;
  const auto future = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  Leader leader(future);
  ::kill(pool.worker_pids().at(0), SIGKILL);
  EXPECT_THROW(leader.result(), WorkerDied);
  EXPECT_EQ(pool.submit<&plus_one>(1).result(), 2);
}

TEST_F(ProcessLeadership, the_death_of_another_worker_is_seen_meanwhile) {
  ProcessPool pool({.workers = 2});
  pool.start_all();
  Gate gate;
  const auto future = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  Leader leader(future);
  EXPECT_THROW(pool.submit<&die_by>(SIGKILL).result(), WorkerDied);
  gate.open();
  EXPECT_EQ(leader.result(), 1);
  EXPECT_EQ(pool.metrics().crashed, 1U);
}

// The pool's end and the leader's return, in either order.
TEST_F(ProcessLeadership, the_pool_may_go_when_the_task_is_done) {
  for (int round = 0; round < 100; ++round) {
    auto pool = std::make_unique<ProcessPool>(1);
    std::thread waiter([future = pool->submit<&plus_one>(round), round] { EXPECT_EQ(future.result(), round + 1); });
    if (round % 2 == 0) std::this_thread::yield();
    pool.reset();
    waiter.join();
  }
}

TEST_F(ProcessLeadership, many_come_and_go) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 300;
  ProcessPool pool({.workers = 2});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&, number] {
      std::mt19937 random(static_cast<unsigned>(number));
      for (int round = 0; round < kRounds; ++round) {
        const auto future = pool.submit<&plus_one>(round);
        if (random() % 8 == 0) {
          future.cancel();
          continue;
        }
        for (unsigned yields = random() % 30; yields > 0; --yields) std::this_thread::yield();
        wrong += future.result() != round + 1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const PoolMetrics metrics = pool.metrics();
  EXPECT_EQ(metrics.done + metrics.cancelled, metrics.submitted - metrics.queued - metrics.running);
}

}  // namespace
}  // namespace pools::test
