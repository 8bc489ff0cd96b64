// What one can tell a process pool to do, and what it tells: bounds, pauses, sizes, time limits, recycling, metrics, events.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "pools/cores.h"
#include "pools/process_pool.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class ProcessControl : public ProcessTest {};

int own_pid(int) { return ::getpid(); }
// --- the bounded queue ---

TEST_F(ProcessControl, the_caller_cannot_run_tasks) {
  EXPECT_THROW(ProcessPool({.workers = 1, .queue = {.limit = 1, .when_full = WhenFull::caller_runs}}), std::invalid_argument);
}

// --- several at a time ---

TEST_F(ProcessControl, what_lies_with_a_stuck_worker_is_taken_back_and_cancellable) {
  Gate gate;
  ProcessPool pool(2);
  pool.start_all();
  for (int round = 0; round < 30; ++round) {
    // Short ones first, so that workers are given several at a time; among them one that is not.
    std::vector<Future<int>> shorts;
    for (int task = 0; task < 500; ++task) shorts.push_back(pool.submit<&identity>(task));
    const auto stuck = pool.submit<&pass_and_return>(gate.name(), -1);
    for (int task = 0; task < 100; ++task) shorts.push_back(pool.submit<&identity>(task));
    for (const auto& future : shorts) future.result();  // all of them, though one worker stands at the gate
    EXPECT_FALSE(stuck.done());
    if (round == 0) gate.open();
    stuck.result();
    if (round == 0) break;
  }
}

TEST_F(ProcessControl, what_was_sent_ahead_is_pending_can_be_cancelled_and_is_taken_back_in_order) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  ProcessPool pool(1);
  std::vector<Future<int>> futures;
  std::vector<int> expected;
  std::mt19937 random(9);
  for (int round = 0; round < 60; ++round) {
    for (int task = 0; task < 50; ++task) {
      const int value = round * 50 + task;
      futures.push_back(pool.submit<&log_value>(log, value));
    }
    // Takes back what the worker has not begun; some of it is cancelled before it goes out again.
    pool.pause();
    for (int tries = 0; tries < 10; ++tries) futures[random() % futures.size()].cancel();
    pool.resume();
  }
  pool.shutdown();
  for (std::size_t task = 0; task < futures.size(); ++task) {
    if (!futures[task].cancelled()) expected.push_back(static_cast<int>(task));
  }
  EXPECT_EQ(logged(log), expected);
  EXPECT_EQ(pool.metrics().cancelled, futures.size() - expected.size());
}

TEST_F(ProcessControl, every_task_ends_once_under_a_storm_of_cancellations) {
  ProcessPool pool(2);
  std::mt19937 random(5);
  std::uint64_t cancelled = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<Future<int>> futures;
    for (int task = 0; task < 200; ++task) futures.push_back(pool.submit<&identity>(task));
    for (int tries = 0; tries < 100; ++tries) futures[random() % futures.size()].cancel();
    for (int task = 0; task < 200; ++task) {
      const auto& future = futures[static_cast<std::size_t>(task)];
      try {
        EXPECT_EQ(future.result(), task);
      } catch (const CancelledError&) {
        ++cancelled;
      }
    }
    expect_balance(pool);
  }
  pool.shutdown();
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.cancelled, cancelled);
  EXPECT_EQ(m.done + m.cancelled, m.submitted);
  EXPECT_EQ(m.queued + m.running, 0U);
}

// --- time limits, cancel by killing ---

int hang_deaf(int) {
  ::signal(SIGTERM, SIG_IGN);
  for (;;) ::pause();
}
int hang(int) {
  for (;;) ::pause();
}

TEST_F(ProcessControl, a_task_beyond_its_time_limit_is_ended_by_SIGTERM_and_if_need_be_by_SIGKILL) {
  ProcessPool pool({.workers = 1, .kill_gap = 20ms});
  try {
    pool.with({.time_limit = 20ms}).submit<&hang>(0).result();
    ADD_FAILURE();
  } catch (const TimeLimitError& error) {
    EXPECT_EQ(error.signal(), SIGTERM);
  }
  try {
    pool.with({.time_limit = 20ms}).submit<&hang_deaf>(0).result();
    ADD_FAILURE();
  } catch (const TimeLimitError& error) {
    EXPECT_EQ(error.signal(), SIGKILL);
  }
  EXPECT_EQ(pool.with({.time_limit = 50s}).submit<&square>(3).result(), 9);
  EXPECT_EQ(pool.metrics().failed, 2U);
  EXPECT_THROW(static_cast<void>(pool.with({.time_limit = 0ms})), std::invalid_argument);
}

TEST_F(ProcessControl, a_running_task_is_cancelled_by_killing_its_worker_if_that_was_asked_for) {
  Gate gate;
  ProcessPool pool(1);
  const auto plain = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  EXPECT_FALSE(plain.cancel());
  gate.open();
  plain.result();

  Gate other;
  const auto killable = pool.with({.cancel_kills = true}).submit<&pass_and_return>(other.name(), 1);
  other.await();
  EXPECT_TRUE(killable.running());
  EXPECT_TRUE(killable.cancel());
  EXPECT_THROW(killable.result(), CancelledError);
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  EXPECT_EQ(pool.metrics().cancelled, 1U);
  EXPECT_EQ(pool.metrics().crashed, 0U);
  other.open();
}

int answer_after_sigterm(const std::string& gate) {
  static volatile std::sig_atomic_t seen = 0;
  ::signal(SIGTERM, [](int signal) { seen = signal; });
  while (seen == 0) ::usleep(1000);  // a signal between the look and a pause() would be lost
  return pass_and_return(gate, seen);
}

TEST_F(ProcessControl, a_gap_or_a_back_off_without_end_is_none_that_is_over) {
  constexpr auto kMost = std::chrono::nanoseconds::max();
  Gate gate;
  ProcessPool gentle({.workers = 2, .kill_gap = kMost});
  const auto late = gentle.with({.time_limit = 1ms}).submit<&answer_after_sigterm>(gate.name());
  gate.await();  // SIGTERM has come
  for (int task = 0; task < 200; ++task)
    EXPECT_EQ(gentle.submit<&square>(task).result(), task * task);  // the supervisor looks at its clocks
  gate.open();
  EXPECT_EQ(late.result(), SIGTERM);

  ProcessPool patient({.workers = 1, .retry = {.retries = 1, .backoff = kMost, .max_backoff = kMost}});
  const auto dead = patient.submit<&die_by>(SIGKILL);
  wait_until([&] { return patient.metrics().crashed == 1 && patient.metrics().running == 0; });
  EXPECT_EQ(patient.submit<&square>(3).result(), 9);
  EXPECT_EQ(patient.metrics().retried, 0U);
  EXPECT_TRUE(dead.cancel());
}

// --- recycling and limits ---

TEST_F(ProcessControl, a_worker_is_replaced_after_so_many_tasks_also_with_a_backlog) {
  ProcessPool pool({.workers = 2, .max_tasks_per_child = 7});
  std::vector<Future<int>> futures;
  for (int task = 0; task < 100; ++task) futures.push_back(pool.submit<&own_pid>(task));
  std::map<int, int> tasks_of;
  for (const auto& future : futures) ++tasks_of[future.result()];
  for (const auto& [pid, tasks] : tasks_of) EXPECT_LE(tasks, 7);
  EXPECT_GE(tasks_of.size(), 15U);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

std::vector<char>& hoard() {
  static std::vector<char> memory;
  return memory;
}
int grow(int mebibytes) {
  hoard().resize(static_cast<std::size_t>(mebibytes) << 20, 1);
  return ::getpid();
}

TEST_F(ProcessControl, a_worker_that_has_grown_too_large_is_replaced) {
  ProcessPool pool({.workers = 1, .recycle_above = std::uint64_t{200} << 20});
  const int first = pool.submit<&grow>(1).result();
  EXPECT_EQ(pool.submit<&grow>(2).result(), first);
  EXPECT_EQ(pool.submit<&grow>(400).result(), first);
  EXPECT_NE(pool.submit<&grow>(1).result(), first);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

// --- the guard ---

TEST_F(ProcessControl, a_guard_that_is_killed_is_replaced) {
  ProcessPool pool(1);
  pool.start_all();
  const auto guard = [] {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream children(entry.path() / "children");
      for (pid_t child = 0; children >> child;) {
        std::string name;
        std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm"), name);
        if (name == "pool_guard") return child;
      }
    }
    return pid_t{-1};
  };
  wait_until([&] { return guard() > 0; });
  const pid_t before = guard();
  ::kill(before, SIGKILL);
  wait_until([&] { return guard() > 0 && guard() != before; });
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

// --- metrics and events ---

TEST_F(ProcessControl, metrics_count_what_was_done_and_with_timing_how_long_it_took) {
  ProcessPool pool({.workers = 2, .timing = true});
  for (int task = 0; task < 10; ++task) pool.submit<&square>(task).result();
  EXPECT_THROW(pool.submit<&fail>(std::string("x")).result(), RemoteError);
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.submitted, 11U);
  EXPECT_EQ(m.done, 10U);
  EXPECT_EQ(m.failed, 1U);
  EXPECT_EQ(m.queued + m.running + m.cancelled, 0U);
  EXPECT_EQ(m.queue_wait.value().count(), 11U);
  EXPECT_EQ(m.run_time.value().count(), 11U);
  EXPECT_GT(m.run_time->max().count(), 0);
  EXPECT_FALSE(ProcessPool(1).metrics().queue_wait);
}

class Recorder final : public PoolObserver {
 public:
  void submitted(std::uint64_t task) noexcept override { add("s" + std::to_string(task)); }
  void started(std::uint64_t task, int worker) noexcept override {
    add("r" + std::to_string(task) + "@" + std::to_string(worker));
  }
  void finished(std::uint64_t task, int worker, Outcome outcome) noexcept override {
    const char* const names[] = {"done", "failed", "cancelled"};
    add("f" + std::to_string(task) + "@" + std::to_string(worker) + names[static_cast<int>(outcome)]);
  }
  void worker_up(int worker, pid_t) noexcept override { add("up" + std::to_string(worker)); }
  void worker_down(int worker, pid_t) noexcept override { add("down" + std::to_string(worker)); }
  std::vector<std::string> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  void add(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  std::mutex mutex_;
  std::vector<std::string> events_;
};

TEST_F(ProcessControl, an_observer_sees_every_step_in_order) {
  const auto recorder = std::make_shared<Recorder>();
  {
    ProcessPool pool({.workers = 1, .observer = recorder});
    pool.start_all();
    pool.submit<&square>(1).result();
    EXPECT_THROW(pool.submit<&fail>(std::string("x")).result(), RemoteError);
    pool.pause();
    EXPECT_TRUE(pool.submit<&square>(2).cancel());
    pool.resume();
  }
  EXPECT_THAT(recorder->events(),
              testing::ElementsAre("up0", "s0", "r0@0", "f0@0done", "s1", "r1@0", "f1@0failed", "s2", "f2@-1cancelled", "down0"));
}

// Waits at the gate, and gives so many bytes, or fails (0), or dies (-1).
std::string pass_and_end(std::string gate, int how) {
  pass(gate);
  if (how < 0) die_by(SIGKILL);
  if (how == 0) throw std::runtime_error("fails");
  return std::string(static_cast<std::size_t>(how), 'x');
}

// Notes what is counted at the moment when it is told of the end of a task.
struct CountsAtTheEnd final : PoolObserver {
  void finished(std::uint64_t, int, Outcome) noexcept override {
    if (pool != nullptr) seen = pool->metrics();
  }
  ProcessPool* pool = nullptr;
  PoolMetrics seen;
};

TEST_F(ProcessControl, a_task_that_has_ended_is_not_counted_as_running) {
  for (const int how : {1, 100'000, 0, -1}) {  // the second is decoded by a thread of its own
    const auto observer = std::make_shared<CountsAtTheEnd>();
    ProcessPool pool({.workers = 1, .observer = observer});
    observer->pool = &pool;
    Gate gate;
    const auto ends = pool.submit<&pass_and_end>(gate.name(), how);
    gate.await();
    pool.pause();
    const auto waits = pool.submit<&square>(2);
    gate.open();
    ends.exception();  // waits
    EXPECT_EQ(observer->seen.running, 0U) << how;
    EXPECT_EQ(observer->seen.queued, 1U) << how;
    observer->pool = nullptr;
    pool.resume();
    EXPECT_EQ(waits.result(), 4);
  }
}

TEST_F(ProcessControl, nothing_is_lost_under_kills_cancellations_retries_resizes_and_pauses) {
  ProcessPool pool({.workers = 3, .retry = {.retries = 1, .backoff = 1ms}, .crash_limit = 0});
  std::mt19937 random(17);
  std::vector<Future<int>> futures;
  std::uint64_t done_then = 0;
  int kills = 0;  // since a task was done: three starts in a row that are killed break the pool
  for (int step = 0; step < 400; ++step) {
    switch (random() % 12) {
      case 0:
        pool.resize(1 + static_cast<int>(random() % 4));
        break;
      case 1:
        pool.pause();
        break;
      case 2:
        pool.resume();
        break;
      case 3:
        futures.push_back(pool.submit<&die_by>(SIGKILL));
        break;
      case 4: {
        const std::vector<pid_t> pids = pool.worker_pids();
        if (const std::uint64_t done_now = pool.metrics().done; done_now != done_then) {
          done_then = done_now;
          kills = 0;
        }
        if (!pids.empty() && kills++ < 2) ::kill(pids[random() % pids.size()], SIGKILL);
        break;
      }
      case 5:
        if (!futures.empty()) futures[random() % futures.size()].cancel();
        break;
      default:
        for (int task = 0; task < 20; ++task) futures.push_back(pool.submit<&identity>(task));
    }
    expect_balance(pool);
  }
  pool.shutdown();
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.submitted, futures.size());
  EXPECT_EQ(m.done + m.failed + m.cancelled, m.submitted);
  std::uint64_t done = 0, failed = 0, cancelled = 0;
  for (const auto& future : futures) {
    ASSERT_TRUE(future.done());
    try {
      future.result();
      ++done;
    } catch (const CancelledError&) {
      ++cancelled;
    } catch (const Error&) {
      ++failed;
    }
  }
  EXPECT_EQ(std::tuple(done, failed, cancelled), std::tuple(m.done, m.failed, m.cancelled));
}

}  // namespace
}  // namespace pools::test
