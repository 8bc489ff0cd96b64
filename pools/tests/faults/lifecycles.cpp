// Faults of a pool's life: bad starts, crash loops, poison, recycling, an end while everything goes on.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pools/tests/event_log.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;
using test::TemporaryDirectory;

// --- the initializer ---

void never_ready(bool throws) {
  if (!throws) die_of(SIGKILL);
  throw std::runtime_error("there is no licence server");
}

POOLS_FAULT(initializer_that_always_fails) {
  for (const bool throws : {true, false}) {
    ProcessPool pool({.workers = 3, .initializer = remote<&never_ready>(throws)});
    std::vector<Future<int>> futures;
    std::uint64_t refused = 0;
    for (int task = 0; task < 20; ++task) {
      try {
        futures.push_back(pool.submit<&test::square>(task));
      } catch (const BrokenPoolError&) {
        ++refused;
      }
    }
    const std::string cause = throws ? "no licence server" : "killed by signal 9";
    for (const auto& future : futures) {
      FAULT_EXPECT(mentions(thrown_by<BrokenPoolError>([&] { future.result(); }), cause));
    }
    FAULT_EXPECT(mentions(thrown_by<BrokenPoolError>([&] { pool.submit<&test::square>(1); }), cause));
    FAULT_EXPECT(mentions(thrown_by<BrokenPoolError>([&] { pool.start_all(); }), cause));
    pool.shutdown();
    FAULT_EXPECT_EQ(pool.metrics().submitted, 20 - refused);
    expect_balance(pool);
  }
}

// The first worker of all to get here dies.
void ready_but_once(const std::string& file) {
  const int first = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (first >= 0) die_of(SIGSEGV);
}

POOLS_FAULT(initializer_that_fails_once) {
  const TemporaryDirectory directory;
  BusyPool pool({.initializer = remote<&ready_but_once>(directory.file("first"))});
  FAULT_EXPECT_EQ(pool->worker_pids().size(), 3U);
  pool.finish();
}

// --- tasks that kill, over and over ---

int die_unless_enough_have(const std::string& log, int deaths) {
  test::log_value(log, ::getpid());
  const int so_far = static_cast<int>(test::logged(log).size());
  if (so_far <= deaths) die_of(SIGKILL);
  return so_far;
}

POOLS_FAULT(poison_task_with_retries) {
  const TemporaryDirectory directory;
  BusyPool pool({.retry = {.retries = 5, .backoff = 1ms}, .quarantine_after = 3});
  const auto poison = pool->submit<&die_of>(SIGSEGV);
  const auto curable = pool->submit<&die_unless_enough_have>(directory.file("deaths"), 2);
  const auto quarantined = thrown_by<QuarantinedError>([&] { poison.result(); });
  FAULT_EXPECT(quarantined.signal() == SIGSEGV && mentions(quarantined, "3 workers"));
  FAULT_EXPECT_EQ(curable.result(), 3);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 5U);
  FAULT_EXPECT_EQ(pool->metrics().retried, 4U);
  pool.finish();
}

POOLS_FAULT(crash_loop) {
  ProcessPool pool({.workers = 3, .crash_limit = 10});
  std::vector<Future<int>> futures;
  pool.pause();
  for (int task = 0; task < 60; ++task) futures.push_back(pool.submit<&die_of>(SIGABRT));
  pool.resume();
  int died = 0;
  int broken = 0;
  for (const auto& future : futures) {
    try {
      future.result();
    } catch (const WorkerDied& error) {
      ++died;
      FAULT_EXPECT(error.signal() == SIGABRT);
    } catch (const BrokenPoolError& error) {
      ++broken;
      FAULT_EXPECT(mentions(error, "10 workers died one after the other") && mentions(error, "signal 6"));
    }
  }
  FAULT_EXPECT_EQ(died + broken, 60);
  FAULT_EXPECT(died >= 10 && died <= 12);  // what the two other workers were at meanwhile
  FAULT_EXPECT(mentions(thrown_by<BrokenPoolError>([&] { pool.submit<&test::square>(1); }), "signal 6"));
  pool.shutdown();
  expect_balance(pool);
}

POOLS_FAULT(max_tasks_with_a_backlog) {
  constexpr int kTasks = 9;
  const auto log = std::make_shared<test::EventLog>();
  BusyPool pool({.observer = log, .max_tasks_per_child = kTasks});
  std::vector<Future<int>> deaths;
  for (int death = 0; death < 4; ++death) {
    deaths.push_back(pool->submit<&die_of>(SIGKILL));
    pool.others().await(40);
  }
  for (const auto& death : deaths) thrown_by<WorkerDied>([&] { death.result(); });
  FAULT_EXPECT_EQ(pool->metrics().crashed, 4U);
  FAULT_EXPECT(pool->metrics().respawned >=
               4);  // those in the place of the dead; of a recycled one only when a task waits at its end
  pool.finish();
  const PoolMetrics metrics = pool->metrics();
  FAULT_EXPECT(metrics.done > 4 * 40);
  FAULT_EXPECT(static_cast<std::uint64_t>(log->up) * kTasks >= metrics.done + metrics.failed);  // none did more than its share
}

// --- the end ---

POOLS_FAULT(shutdown_racing_submit_and_crash) {
  for (const bool cancels : {false, true}) {
    ProcessPool pool({.workers = 3, .crash_limit = 0});
    pool.start_all();
    Bystanders others(pool);
    std::atomic<bool> over{false};
    std::thread killer([&] {
      for (int kill = 0; kill < 10 && !over; ++kill) {
        const std::vector<pid_t> pids = pool.worker_pids();
        if (!pids.empty()) ::kill(pids.back(), SIGKILL);
        const std::uint64_t crashed = pool.metrics().crashed;
        wait_until([&] { return over || pool.metrics().crashed > crashed || pool.metrics().workers == 0; });
      }
    });
    std::vector<Future<int>> futures;
    std::thread submitter([&] {
      try {
        for (int task = 0; task < 5000; ++task)
          futures.push_back(pool.submit<&die_of>(task % 200 == 3 && task < 2000 ? SIGSEGV : 0));
      } catch (const ShutdownError&) {
      }
    });
    wait_until([&] { return pool.metrics().crashed >= 3; });
    pool.shutdown({.wait = true, .cancel_futures = cancels});
    over = true;
    killer.join();
    submitter.join();
    const Bystanders::Outcome outcome = others.finish();
    PoolMetrics seen;
    for (const auto& future : futures) {
      FAULT_EXPECT(future.done());  // nothing is left pending
      try {
        future.result();
        ++seen.done;
      } catch (const WorkerDied&) {
        ++seen.failed;
      } catch (const CancelledError&) {
        ++seen.cancelled;
      }
    }
    FAULT_EXPECT(cancels || seen.cancelled + outcome.cancelled == 0);
    const PoolMetrics metrics = pool.metrics();
    FAULT_EXPECT_EQ(metrics.done, seen.done + outcome.right);
    FAULT_EXPECT_EQ(metrics.failed, seen.failed + outcome.died);
    FAULT_EXPECT_EQ(metrics.cancelled, seen.cancelled + outcome.cancelled);
    expect_balance(pool);
  }
}

}  // namespace
}  // namespace pools::faults
