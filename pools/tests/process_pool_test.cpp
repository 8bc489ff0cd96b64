// The life of a process pool: start, initializer, names, callbacks, chunks, shutdown.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pools/cores.h"
#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

class ProcessPoolTest : public ProcessTest {};

int process_id() { return ::getpid(); }

TEST_F(ProcessPoolTest, the_default_is_a_worker_per_usable_core) { EXPECT_EQ(ProcessPool().workers(), usable_cores().count); }

TEST_F(ProcessPoolTest, start_all_returns_when_every_worker_lives) {
  ProcessPool pool{10};
  EXPECT_TRUE(pool.worker_pids().empty());
  pool.start_all();
  const std::vector<pid_t> pids = pool.worker_pids();
  EXPECT_EQ(std::set<pid_t>(pids.begin(), pids.end()).size(), 10u);
  for (const pid_t pid : pids) EXPECT_EQ(::kill(pid, 0), 0);
  const int ran_in = pool.submit<&process_id>().result();
  EXPECT_THAT(pids, testing::Contains(ran_in));
}

TEST_F(ProcessPoolTest, workers_are_started_as_they_are_needed) {
  ProcessPool pool{3};
  pool.submit<&nothing>().result();
  EXPECT_EQ(pool.worker_pids().size(), 1u);
  for (int task = 0; task < 10; ++task) pool.submit<&nothing>().result();  // the idle one is reused
  EXPECT_EQ(pool.worker_pids().size(), 1u);
}

std::string own_name() {
  char name[16] = {};
  ::prctl(PR_GET_NAME, name);
  return name;
}

TEST_F(ProcessPoolTest, workers_are_named_by_prefix_and_number) {
  Gate gate;
  ProcessPool pool({.workers = 2, .name_prefix = "parser"});
  const auto blocked = pool.submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  EXPECT_EQ(pool.submit<&own_name>().result(), "parser_1");
  gate.open();
  blocked.result();
}

// --- what a worker is ---

std::vector<std::string> own_descriptors() {
  std::vector<std::string> targets;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    targets.push_back(std::filesystem::read_symlink(entry.path(), ignored).string());
  }
  return targets;
}
std::string target_of(int descriptor) {
  return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)).string();
}

TEST_F(ProcessPoolTest, a_worker_inherits_no_descriptor_but_output_and_error) {
  const TemporaryDirectory directory;
  const int leak = ::open(directory.file("leak").c_str(), O_RDWR | O_CREAT, 0600);  // not close-on-exec
  ASSERT_GE(leak, 0);
  {
    ProcessPool pool({.workers = 1, .output = WorkerOutput::inherited});
    pool.start_all();
    EXPECT_THAT(pool.submit<&own_descriptors>().result(), testing::Not(testing::Contains(directory.file("leak"))));
    EXPECT_EQ(pool.submit<&target_of>(0).result(), "/dev/null");
    EXPECT_EQ(pool.submit<&target_of>(2).result(), target_of(2));
  }
  ::close(leak);
}

int survive_interrupt() {
  ::raise(SIGINT);
  return 1;
}
bool leads_own_group() { return ::getpgrp() == ::getpid(); }

TEST_F(ProcessPoolTest, a_worker_is_out_of_the_terminals_reach) {
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit<&survive_interrupt>().result(), 1);
  EXPECT_TRUE(pool.submit<&leads_own_group>().result());
}

int sum_in_a_nested_pool(int count) {
  ProcessPool nested{2};
  int sum = 0;
  for (const int value : nested.map<&square>(std::vector<int>(static_cast<std::size_t>(count), 2))) sum += value;
  return sum;
}

TEST_F(ProcessPoolTest, a_task_may_have_a_pool_of_its_own) {
  ProcessPool pool{1};
  EXPECT_EQ(pool.submit<&sum_in_a_nested_pool>(5).result(), 20);
}

// --- initializer ---

int initialised_with = 0;
int initialised_times = 0;
void initialise(int value, const std::string& file) {
  initialised_with = value;
  ++initialised_times;
  log_value(file, ::getpid());
}
std::pair<int, int> initialised() { return {initialised_with, initialised_times}; }

TEST_F(ProcessPoolTest, the_initializer_runs_once_in_each_worker_before_its_first_task) {
  const TemporaryDirectory directory;
  ProcessPool pool({.workers = 3, .initializer = remote<&initialise>(42, directory.file("log"))});
  for (int task = 0; task < 10; ++task) EXPECT_EQ(pool.submit<&initialised>().result(), std::pair(42, 1));
  pool.start_all();
  std::vector<pid_t> pids = pool.worker_pids();
  EXPECT_THAT(logged(directory.file("log")), testing::UnorderedElementsAreArray(pids));
  EXPECT_EQ(initialised(), std::pair(0, 0));  // not here
}

int refuse(const std::string& why) { throw std::invalid_argument(why); }

TEST_F(ProcessPoolTest, an_initializer_that_fails_breaks_the_pool_with_its_cause) {
  const auto cause = testing::HasSubstr("the initializer failed: std::invalid_argument: no such table");
  ProcessPool pool({.workers = 2, .initializer = remote<&refuse>("no such table")});
  const auto first = pool.submit<&square>(1);
  POOLS_EXPECT_THROW_WHAT(first.result(), BrokenPoolError, cause);
  POOLS_EXPECT_THROW_WHAT(pool.submit<&square>(2), BrokenPoolError, cause);
  POOLS_EXPECT_THROW_WHAT(pool.start_all(), BrokenPoolError, cause);
  POOLS_EXPECT_THROW_WHAT(ProcessPool({.workers = 4, .initializer = remote<&refuse>("no such table")}).start_all(),
                          BrokenPoolError, cause);
}

TEST_F(ProcessPoolTest, a_long_initializer_argument_arrives) {
  const std::string text(3'000'000, 'x');
  ProcessPool pool({.workers = 2, .initializer = remote<&repeat>(text, 1)});
  pool.start_all();
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

int end_the_process() { ::_exit(5); }

TEST_F(ProcessPoolTest, workers_that_keep_dying_at_start_break_the_pool) {
  ProcessPool pool({.workers = 2, .initializer = remote<&end_the_process>()});
  POOLS_EXPECT_THROW_WHAT(pool.start_all(), BrokenPoolError,
                          testing::AllOf(testing::HasSubstr("workers cannot be started"),
                                         testing::HasSubstr("exited with status 5")));
  EXPECT_THROW(pool.submit<&nothing>(), BrokenPoolError);
}

// --- callbacks ---

TEST_F(ProcessPoolTest, callbacks_run_one_at_a_time_on_one_thread_of_this_process) {
  std::set<std::thread::id> ids;  // unguarded: TSan sees a callback that is not alone
  int called = 0;
  int sum = 0;
  {
    ProcessPool pool{3};
    for (int task = 0; task < 200; ++task) {
      pool.submit_with_callback<&square>(
          [&](const Future<int>& done) {
            ids.insert(std::this_thread::get_id());
            ++called;
            sum += done.result() - done.result() + 1;
          },
          task);
    }
  }
  EXPECT_EQ(called, 200);
  EXPECT_EQ(sum, 200);
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

TEST_F(ProcessPoolTest, a_slow_callback_does_not_hold_up_dispatch) {
  std::promise<void> started;
  std::promise<void> go_on;
  ProcessPool pool{2};
  const auto first = pool.submit_with_callback<&square>(
      [&](const Future<int>&) {
        started.set_value();
        go_on.get_future().wait();
      },
      1);
  started.get_future().wait();  // the callback thread is stuck from here on
  std::vector<Future<int>> futures;
  std::atomic<int> called{0};
  for (int task = 0; task < 100; ++task) {
    futures.push_back(pool.submit_with_callback<&square>([&](const Future<int>&) { ++called; }, task));
  }
  for (int task = 0; task < 100; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task * task);
  EXPECT_EQ(called, 0);
  go_on.set_value();
  pool.shutdown();
  EXPECT_EQ(called, 100);
}

TEST_F(ProcessPoolTest, a_callback_may_wait_for_the_shutdown) {
  ProcessPool pool{2};
  std::atomic<bool> returned{false};
  pool.submit_with_callback<&square>(
      [&](const Future<int>&) {
        pool.shutdown();
        returned = true;
      },
      1);
  wait_until([&] { return returned.load(); });
}

// --- chunks ---

std::pair<int, int> number_and_process(int number) { return {number, ::getpid()}; }

TEST_F(ProcessPoolTest, the_items_of_a_chunk_run_in_one_worker) {
  ProcessPool pool{4};
  pool.start_all();
  std::vector<int> items(40);
  for (int item = 0; item < 40; ++item) items[static_cast<std::size_t>(item)] = item;
  int expected = 0;
  int process = 0;
  for (const auto& [number, pid] : pool.map<&number_and_process>(items, {.chunksize = 10})) {
    EXPECT_EQ(number, expected);
    if (expected % 10 == 0) process = pid;
    EXPECT_EQ(pid, process);
    ++expected;
  }
  EXPECT_EQ(expected, 40);
}

TEST_F(ProcessPoolTest, the_results_of_a_chunk_come_when_its_last_item_is_done) {
  Gate gate;
  ProcessPool pool{1};
  auto results = pool.map<&pass_if_negative>(std::vector<std::string>(3, gate.name()), std::vector<int>{1, 2, -3},
                                             {.timeout = kNoTime, .chunksize = 3});
  gate.await();  // the last item stands at the gate, the others are done
  auto at = results.begin();
  EXPECT_THROW(*at, TimeoutError);
  gate.open();
  pool.shutdown();
  for (const int expected : {1, 2, -3}) {
    EXPECT_EQ(*at, expected);
    ++at;
  }
}

// --- shutdown ---

TEST_F(ProcessPoolTest, a_submit_that_races_shutdown_is_refused_or_runs) {
  for (int round = 0; round < 20; ++round) {
    ProcessPool pool{2};
    std::atomic<bool> go{false};
    std::vector<std::thread> submitters;
    std::atomic<int> accepted{0};
    std::atomic<int> done{0};
    for (int submitter = 0; submitter < 3; ++submitter) {
      submitters.emplace_back([&] {
        wait_until([&] { return go.load(); });
        std::vector<Future<int>> futures;
        try {
          for (int task = 0; task < 200; ++task) {
            futures.push_back(pool.submit<&square>(task));
            ++accepted;
          }
        } catch (const ShutdownError&) {
        }
        for (std::size_t task = 0; task < futures.size(); ++task) {
          EXPECT_EQ(futures[task].result(), static_cast<int>(task * task));
          ++done;
        }
      });
    }
    go = true;
    wait_until([&] { return accepted >= round * 5; });
    pool.shutdown({.wait = round % 2 == 0});
    for (std::thread& submitter : submitters) submitter.join();
    EXPECT_EQ(done, accepted);
  }
}

TEST_F(ProcessPoolTest, workers_survive_the_thread_that_started_them) {
  ProcessPool pool{2};
  std::thread([&] { pool.start_all(); }).join();
  const std::vector<pid_t> pids = pool.worker_pids();
  std::thread([&] { EXPECT_THAT(pids, testing::Contains(pool.submit<&process_id>().result())); }).join();
  EXPECT_THAT(pids, testing::Contains(pool.submit<&process_id>().result()));
  EXPECT_EQ(pool.worker_pids(), pids);
}

// The same of the whole path: submitter, worker, supervisor, waiting caller, each of them asleep or about to be.
TEST_F(ProcessPoolTest, loses_no_wake_up_however_submits_are_spaced) {
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  ProcessPool pool{2};
  std::vector<std::thread> submitters;
  for (unsigned submitter = 0; submitter < 2; ++submitter) {
    submitters.emplace_back([&, submitter] {
      std::mt19937 random(submitter);
      for (int trip = 0; trip < 30'000 && (trip % 64 != 0 || std::chrono::steady_clock::now() < enough); ++trip) {
        for (unsigned yields = random() % 32 == 0 ? random() % 150 : 0; yields > 0; --yields) std::this_thread::yield();
        ASSERT_EQ(pool.submit<&identity>(trip).result(), trip);
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
}

// --- a host program with ideas of its own about children ---

int kill_oneself() {
  ::raise(SIGKILL);
  return 0;
}

TEST_F(ProcessPoolTest, works_when_the_host_ignores_sigchld) {
  const auto previous = ::signal(SIGCHLD, SIG_IGN);
  {
    ProcessPool pool{2};
    EXPECT_EQ(pool.submit<&square>(4).result(), 16);
    try {
      pool.submit<&kill_oneself>().result();
      ADD_FAILURE() << "the death was not noticed";
    } catch (const WorkerDied& error) {
      EXPECT_FALSE(error.signal());
      EXPECT_FALSE(error.exit_code());
      EXPECT_THAT(error.what(), testing::HasSubstr("unknown status"));
    }
    EXPECT_EQ(pool.submit<&square>(5).result(), 25);
  }
  ::signal(SIGCHLD, previous);
}

TEST_F(ProcessPoolTest, works_when_the_host_reaps_every_child) {
  std::atomic<bool> stop{false};
  std::thread reaper([&] {
    while (!stop) {
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::yield();
    }
  });
  {
    ProcessPool pool{2};
    for (int round = 0; round < 5; ++round) {
      EXPECT_THROW(pool.submit<&kill_oneself>().result(), WorkerDied);
      EXPECT_EQ(pool.submit<&square>(round).result(), round * round);
    }
  }
  stop = true;
  reaper.join();
}

}  // namespace
}  // namespace pools::test
