// fork() where pools live: in the host, in callbacks, in tasks. A fork has a copy of every pool, and none that works; the host notices
// nothing.

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"
#include "pools/tests/in_fork.h"
#include "pools/thread_pool.h"

namespace pools::faults {
namespace {

using test::exit_status;
using test::fork_that;
using test::Gate;

int incremented(int value) { return value + 1; }

template <class Call>
void expect_refused(Call&& call) {
  FAULT_EXPECT(mentions(thrown_by<Error>(call), "fork"));
}

// --- the child uses what it has a copy of ---

// Both sides submit at the same time: what the child gets hold of would be the parent's answers.
POOLS_FAULT_REPEATED(fork_that_submits, 20) {
  BusyPool pool;
  ThreadPool threads{2};
  for (int task = 0; task < 300; ++task) {
    pid_t child = 0;
    if (task % 100 == 50) {
      child = fork_that([&] {
        for (int other = 1000; other < 1010; ++other) {
          expect_refused([&] { pool->submit<&incremented>(other); });
          expect_refused([&] { threads.submit(&incremented, other); });
        }
        expect_refused([&] { return pool->map<&incremented>(std::vector<int>{1000, 1001}); });
      });
    }
    FAULT_EXPECT_EQ(pool->submit<&incremented>(task).result(), task + 1);
    FAULT_EXPECT_EQ(threads.submit(&incremented, task).result(), task + 1);
    if (child != 0) FAULT_EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
  }
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// Other threads hold whatever there is to be held at the moment of the fork.
POOLS_FAULT(fork_during_a_storm_of_submits) {
  BusyPool pool;
  ThreadPool threads({.workers = 2, .callbacks = CallbackOn::callback_thread});
  const auto done = threads.submit(&incremented, 1);
  done.result();
  Gate gate;
  const auto pending = pool->submit<&test::pass_and_return>(gate.name(), 7);
  gate.await();
  std::atomic<bool> over{false};
  std::vector<std::thread> submitters;
  for (int number = 0; number < 2; ++number) {
    submitters.emplace_back([&] {
      while (!over) {
        auto future = threads.submit(&incremented, 1);
        future.add_done_callback([](const Future<int>&) {});
        pool->submit<&incremented>(1).cancel();
        future.result();
      }
    });
  }
  for (int fork = 0; fork < 20; ++fork) {
    const pid_t child = fork_that([&] {
      FAULT_EXPECT_EQ(done.result(), 2);
      expect_refused([&] { pending.result(); });
      expect_refused([&] { pending.add_done_callback([](const Future<int>&) {}); });
      FAULT_EXPECT(!pending.cancel());
      expect_refused([&] { threads.submit(&incremented, 1); });
      expect_refused([&] { pool->submit<&incremented>(1); });
      FAULT_EXPECT_EQ(pool->metrics().submitted, 0U);
    });
    FAULT_EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
    pool.others().await(5);
  }
  over = true;
  for (std::thread& each : submitters) each.join();
  gate.open();
  FAULT_EXPECT_EQ(pending.result(), 7);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// A fork by the system call runs no handlers: what it knows it knows from the kernel.
POOLS_FAULT(fork_by_a_bare_system_call) {
  auto pool = std::make_unique<ProcessPool>(1);
  auto threads = std::make_unique<ThreadPool>(1);
  FAULT_EXPECT_EQ(pool->submit<&incremented>(1).result(), 2);
  FAULT_EXPECT_EQ(threads->submit(&incremented, 1).result(), 2);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid == 0) {
    int status = EXIT_FAILURE;
    try {
      expect_refused([&] { pool->submit<&incremented>(1000); });
      expect_refused([&] { threads->submit(&incremented, 1000); });
      pool.reset();
      threads.reset();
      status = EXIT_SUCCESS;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "in a fork: %s\n", error.what());
    }
    ::_exit(status);
  }
  FAULT_EXPECT_EQ(exit_status(pid), EXIT_SUCCESS);
  FAULT_EXPECT_EQ(pool->submit<&incremented>(2).result(), 3);
  FAULT_EXPECT_EQ(threads->submit(&incremented, 2).result(), 3);
}

// --- the child ends, or does not ---

POOLS_FAULT(fork_that_destroys_the_pools) {
  std::optional<ThreadPool> threads(2);
  std::optional<ProcessPool> idle(2);
  idle->start_all();
  BusyPool pool;
  threads->submit(&incremented, 1).result();
  for (int fork = 0; fork < 10; ++fork) {
    const pid_t child = fork_that([&] {
      pool->shutdown();
      idle->shutdown({.wait = true, .cancel_futures = true});
      threads.reset();
      idle.reset();
    });
    FAULT_EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
  }
  FAULT_EXPECT_EQ(idle->submit<&incremented>(1).result(), 2);
  FAULT_EXPECT_EQ(threads->submit(&incremented, 1).result(), 2);
  FAULT_EXPECT_EQ(idle->metrics().crashed, 0U);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

POOLS_ACTOR(host_with_static_pools) {
  static ProcessPool processes{2};
  static ThreadPool threads{2};
  processes.start_all();
  threads.start_all();
  for (int fork = 0; fork < 5; ++fork) {
    const pid_t child = ::fork();
    if (child == 0) std::exit(EXIT_SUCCESS);
    FAULT_EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
    for (int task = 0; task < 20; ++task) FAULT_EXPECT_EQ(processes.submit<&incremented>(task).result(), task + 1);
    FAULT_EXPECT_EQ(threads.submit(&incremented, 1).result(), 2);
  }
  FAULT_EXPECT_EQ(processes.metrics().crashed, 0U);
  return 0;
}
POOLS_FAULT(fork_that_exits_with_static_pools) { play("host_with_static_pools"); }

POOLS_ACTOR(host_whose_fork_lives_on) {
  Conversation conversation(3);
  BusyPool pool({.workers = 2, .output = WorkerOutput::tagged});
  const pid_t grandchild = pool->submit<&leave_a_process_behind>().result();
  const pid_t fork = fork_that([] {
    for (;;) ::pause();
  });
  conversation.say(std::to_string(fork));
  for (const pid_t worker : pool->worker_pids()) conversation.say(std::to_string(worker));
  conversation.say(std::to_string(grandchild));  // after its parent: so they are inherited
  conversation.say("all");
  for (;;) ::pause();
}

POOLS_FAULT(parent_killed_while_a_fork_lives_on) {
  Conversation conversation;
  Child owner = conversation.start("host_whose_fork_lives_on");
  struct LivesOn {
    pid_t pid;
    ~LivesOn() { end(); }  // also when the test fails
    void end() {
      if (pid > 0) ::kill(std::exchange(pid, -1), SIGKILL);
    }
  } fork{std::stoi(conversation.hear())};
  std::vector<pid_t> others;
  for (std::string line = conversation.hear(); line != "all"; line = conversation.hear()) others.push_back(std::stoi(line));
  FAULT_EXPECT(owner.kill(SIGKILL));
  FAULT_EXPECT(owner.wait().signal == SIGKILL);
  for (const pid_t pid : others) reap(pid);  // one that lives on hangs the test
  FAULT_EXPECT(::kill(fork.pid, 0) == 0);
  fork.end();
  FAULT_EXPECT(reap_all() >= 2);  // the fork and the guard
}

// --- forks on threads that are the pool's ---

POOLS_FAULT(fork_in_a_callback) {
  BusyPool pool;
  ThreadPool threads{2};
  std::atomic<int> submitting{0};
  std::atomic<int> returning{0};
  std::atomic<int> second{0};  // callbacks of the futures whose first one forked
  const auto fork_and_submit = [&](const Future<int>&) {
    submitting = fork_that([&] { expect_refused([&] { pool->submit<&incremented>(1); }); });
  };
  const auto fork_and_return = [&](const Future<int>&) { returning = ::fork(); };
  const auto count = [&](const Future<int>&) { ++second; };
  Gate gate;
  const auto in_callback_thread = pool->submit<&test::pass_and_return>(gate.name(), 1);
  const auto on_worker = threads.submit(&test::pass_and_return, gate.name(), 1);
  const auto fork_both_ways = [&](const Future<int>& future) {
    submitting = returning = 0;
    future.add_done_callback(fork_and_submit);
    future.add_done_callback(fork_and_return);
    future.add_done_callback(count);
  };
  const auto expect_ends = [&](int seconds) {
    wait_until([&] { return second == seconds; });
    FAULT_EXPECT_EQ(exit_status(submitting), EXIT_SUCCESS);
    FAULT_EXPECT_EQ(exit_status(returning), EXIT_FAILURE);  // it is told that it must not come back
  };
  gate.await(2);
  fork_both_ways(in_callback_thread);
  {
    Gate other;
    const auto next = threads.submit(&test::pass_and_return, other.name(), 1);
    other.await();
    gate.open();
    expect_ends(1);
    fork_both_ways(next);
    other.open();
    expect_ends(2);
  }
  on_worker.result();
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// Two would go on as that worker, and both take what is queued.
POOLS_FAULT(fork_in_a_task_of_a_thread_pool_that_returns_twice) {
  ThreadPool threads{1};
  const test::TemporaryDirectory directory;
  Gate gate;
  const auto forking = threads.submit([&] {
    test::pass(gate.name());
    return ::fork();
  });
  gate.await();
  std::vector<Future<int>> queued;
  for (int task = 0; task < 20; ++task) queued.push_back(threads.submit(&test::log_value, directory.file("log"), task));
  gate.open();
  FAULT_EXPECT_EQ(exit_status(forking.result()), EXIT_FAILURE);
  for (int task = 0; task < 20; ++task) FAULT_EXPECT_EQ(queued[static_cast<std::size_t>(task)].result(), task);
  FAULT_EXPECT_EQ(test::logged(directory.file("log")).size(), 20U);  // each ran once
}

enum class Return : int { value, exception };

// In the worker the exit status of its fork.
int fork_and_come_back(Return how) {
  const pid_t pid = ::fork();
  if (pid == 0 && how == Return::exception) throw std::runtime_error("the fork's");
  if (pid == 0) return 1000;
  return exit_status(pid);
}

POOLS_FAULT(fork_in_a_task_of_a_process_pool_that_returns_twice) {
  BusyPool pool;
  for (const Return how : {Return::value, Return::exception}) {
    FAULT_EXPECT_EQ(pool->submit<&fork_and_come_back>(how).result(), EXIT_FAILURE);
    for (const int status : pool->map<&fork_and_come_back>(std::vector<Return>(4, how), {.chunksize = 2})) {
      FAULT_EXPECT_EQ(status, EXIT_FAILURE);
    }
    pool.others().await(20);
  }
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// --- new pools in a fork ---

POOLS_FAULT(new_pools_in_a_fork) {
  BusyPool pool;
  ThreadPool threads{1};
  const auto done = threads.submit(&incremented, 1);
  done.result();
  const pid_t child = fork_that([&] {
    ThreadPool own_threads{2};
    ProcessPool own{2};
    for (int task = 0; task < 50; ++task) {
      FAULT_EXPECT_EQ(own.submit<&incremented>(task).result(), task + 1);
      FAULT_EXPECT_EQ(own_threads.submit(&incremented, task).then_in<&incremented>(own).result(), task + 2);
    }
    FAULT_EXPECT_EQ(done.then_in<&incremented>(own).result(), 3);
    expect_refused([&] { pool->submit<&incremented>(1); });
    // And once more: a fork of the fork has neither.
    const pid_t grandchild = fork_that([&] {
      expect_refused([&] { own.submit<&incremented>(1); });
      expect_refused([&] { pool->submit<&incremented>(1); });
      ProcessPool last{1};
      FAULT_EXPECT_EQ(last.submit<&incremented>(1).result(), 2);
    });
    FAULT_EXPECT_EQ(exit_status(grandchild), EXIT_SUCCESS);
    FAULT_EXPECT_EQ(own.submit<&incremented>(1).result(), 2);
  });
  FAULT_EXPECT_EQ(exit_status(child), EXIT_SUCCESS);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

}  // namespace
}  // namespace pools::faults
