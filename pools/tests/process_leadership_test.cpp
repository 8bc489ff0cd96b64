// Threads that wait for a process pool's answer and supervise it meanwhile (leadership.h): who is woken, and that nothing is lost when they
// come and go.

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/process_pool.h"
#include "pools/wait.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
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

// Waits as nobody does who may lead: with a limit.
template <class T>
bool is_done_in_time(const Future<T>& future) {
  return wait(std::vector{future}, 20s).not_done.empty();
}

std::string status_of(pid_t thread, const std::string& file) { return "/proc/self/task/" + std::to_string(thread) + "/" + file; }

// In epoll_wait: on what a supervisor sleeps on, and nobody else here.
bool sleeps_on_events(pid_t thread) {
  long call = -1;
  std::ifstream(status_of(thread, "syscall")) >> call;
#ifdef SYS_epoll_wait
  if (call == SYS_epoll_wait) return true;
#endif
  return call == SYS_epoll_pwait;
}

// How often it has slept.
long sleeps_of(pid_t thread) {
  std::ifstream status(status_of(thread, "status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("voluntary_ctxt_switches:", 0) == 0) return std::stol(line.substr(line.find(':') + 1));
  }
  return -1;
}

pid_t supervisor() {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(thread.path() / "comm") >> name;
    if (name == "pool_supervisor") return std::stoi(thread.path().filename().string());
  }
  ADD_FAILURE() << "there is no supervisor";
  return 0;
}

// A thread that calls result(), and leads when this is made. REQUIRES: the future is not done, and nobody else leads.
template <class T>
class Leader {
 public:
  explicit Leader(Future<T> future) {
    const pid_t asleep = supervisor();
    wait_until([&] { return sleeps_on_events(asleep); });
    thread_ = std::thread([this, future = std::move(future)] {
      id_ = ::gettid();
      try {
        value_ = future.result();
      } catch (...) {
        error_ = std::current_exception();
      }
    });
    wait_until([this] { return id_ != 0 && sleeps_on_events(id_); });
  }
  ~Leader() {
    if (thread_.joinable()) thread_.join();
  }
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  T result() {
    thread_.join();
    if (error_) std::rethrow_exception(error_);
    return value_;
  }

 private:
  std::atomic<pid_t> id_{0};
  std::exception_ptr error_;
  T value_{};
  std::thread thread_;
};

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

// The callback thread starts with the first callback, whoever completes that task.
TEST_F(ProcessLeadership, a_thread_of_the_pool_inherits_nothing_of_the_leader) {
  const auto is_blocked = [] {
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return ::sigismember(&blocked, SIGUSR1) == 1;
  };
  ProcessPool pool({.workers = 2});
  Gate gate;
  std::atomic<int> blocked{-1};
  std::thread waiter([&] {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    const auto first = pool.submit_with_callback<&plus_one>([&](const auto&) { blocked = is_blocked(); }, 1);
    EXPECT_EQ(pool.submit<&pass_and_return>(gate.name(), 1).result(), 1);
  });
  gate.await();
  wait_until([&] { return blocked != -1; });
  gate.open();
  waiter.join();
  EXPECT_EQ(blocked, 0);
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
