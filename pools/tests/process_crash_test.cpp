// Workers that die, and parents that do.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"
#include "pools/tests/process_owner.h"

namespace pools::test {
namespace {

class ProcessCrash : public ProcessTest {};

// Not a fault that a sanitizer would turn into an exit code of its own.
int die_of(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  return 0;
}
int leave_with(int code) { ::_exit(code); }

TEST_F(ProcessCrash, the_future_says_which_signal_or_exit_code_and_which_process) {
  ProcessPool pool{1};
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT, SIGTERM}) {
    pool.start_all();
    const pid_t pid = pool.worker_pids().at(0);
    try {
      pool.submit<&die_of>(signal).result();
      ADD_FAILURE() << "signal " << signal;
    } catch (const WorkerDied& error) {
      EXPECT_EQ(error.signal(), signal);
      EXPECT_FALSE(error.exit_code());
      EXPECT_EQ(error.pid(), pid);
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr(std::to_string(pid)), testing::HasSubstr("killed by signal")));
    }
  }
  for (const int code : {0, 3}) {
    try {
      pool.submit<&leave_with>(code).result();
      ADD_FAILURE() << "exit code " << code;
    } catch (const WorkerDied& error) {
      EXPECT_EQ(error.exit_code(), code);
      EXPECT_FALSE(error.signal());
    }
  }
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

// Holds the supervisor up between what a death does to the pool and what it does to the task.
class HeldDeath final : public PoolObserver {
 public:
  void worker_down(int, pid_t) noexcept override {
    if (held_.exchange(true)) return;
    down.release();
    goes_on.acquire();
  }
  std::binary_semaphore down{0};
  std::binary_semaphore goes_on{0};

 private:
  std::atomic<bool> held_{false};
};

TEST_F(ProcessCrash, a_task_that_had_begun_is_not_cancelled_while_its_workers_death_is_dealt_with) {
  const auto death = std::make_shared<HeldDeath>();
  ProcessPool pool({.workers = 1, .observer = death});
  const auto victim = pool.submit<&die_of>(SIGKILL);
  death->down.acquire();
  EXPECT_FALSE(victim.cancel());
  EXPECT_TRUE(victim.running());
  death->goes_on.release();
  EXPECT_THROW(victim.result(), WorkerDied);
  EXPECT_EQ(pool.metrics().cancelled, 0U);
}

TEST_F(ProcessCrash, one_that_is_to_be_tried_again_can_be_cancelled_until_then) {
  ProcessPool pool(
      {.workers = 1, .retry = {.retries = 1, .backoff = std::chrono::hours(1), .max_backoff = std::chrono::hours(1)}});
  const auto victim = pool.submit<&die_of>(SIGKILL);
  wait_until([&] { return victim.cancel(); });  // not before its death has been dealt with
  EXPECT_THROW(victim.result(), CancelledError);
}

TEST_F(ProcessCrash, exactly_the_task_that_ran_there_fails) {
  Gate gate;
  ProcessPool pool{2};
  pool.start_all();
  const auto survivor = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  const auto victim = pool.submit<&die_of>(SIGKILL);
  std::vector<Future<int>> queued;
  for (int task = 0; task < 20; ++task) queued.push_back(pool.submit<&square>(task));
  EXPECT_THROW(victim.result(), WorkerDied);
  for (int task = 0; task < 20; ++task) EXPECT_EQ(queued[static_cast<std::size_t>(task)].result(), task * task);
  EXPECT_FALSE(survivor.done());
  gate.open();
  EXPECT_EQ(survivor.result(), 1);
}

TEST_F(ProcessCrash, idle_workers_that_are_killed_cost_nothing_and_are_replaced) {
  ProcessPool pool{3};
  pool.start_all();
  const std::vector<pid_t> before = pool.worker_pids();
  for (const pid_t pid : before) ::kill(pid, SIGKILL);
  // Straight into the channels of the dead: what they have not begun to read is given to others.
  std::vector<Future<int>> futures;
  for (int task = 0; task < 50; ++task) futures.push_back(pool.submit<&square>(task));
  for (int task = 0; task < 50; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task * task);
  wait_until([&] { return pool.worker_pids().size() == 3 && pool.worker_pids() != before; });
  for (const pid_t pid : before) EXPECT_THAT(pool.worker_pids(), testing::Not(testing::Contains(pid)));
}

TEST_F(ProcessCrash, under_a_hail_of_kills_every_task_ends_and_no_more_fail_than_were_killed) {
  constexpr int kKills = 30;
  ProcessPool pool{3};
  pool.start_all();
  std::atomic<bool> done{false};
  std::jthread killer([&] {
    std::mt19937 random(11);
    for (int kills = 0; kills < kKills;) {
      pool.start_all();  // only what is ready is killed: workers that keep dying at their start break the pool, rightly
      const std::vector<pid_t> pids = pool.worker_pids();
      if (!pids.empty() && ::kill(pids[random() % pids.size()], SIGKILL) == 0) ++kills;
      for (unsigned yields = random() % 2000; yields > 0; --yields) std::this_thread::yield();
    }
    done = true;
  });
  int submitted = 0;
  int died = 0;
  while (!done) {
    std::vector<Future<std::string>> futures;
    for (int task = 0; task < 50; ++task, ++submitted) {
      futures.push_back(pool.submit<&repeat>(std::string("ab"), task % 10 == 0 ? 600'000 : task));
    }
    for (int task = 0; task < 50; ++task) {
      try {
        EXPECT_EQ(futures[static_cast<std::size_t>(task)].result().size(),
                  static_cast<std::size_t>(task % 10 == 0 ? 1'200'000 : 2 * task));
      } catch (const WorkerDied& error) {
        EXPECT_EQ(error.signal(), SIGKILL);
        ++died;
      }
    }
  }
  killer.join();
  EXPECT_LE(died, kKills);
  EXPECT_GT(submitted, died);
  pool.start_all();
  EXPECT_EQ(pool.worker_pids().size(), 3u);
}

TEST_F(ProcessCrash, a_worker_that_dies_in_a_chunk_fails_the_items_of_that_chunk_alone) {
  ProcessPool pool{2};
  // The signal of 0 is none: raise returns, and so does the task.
  const std::vector<int> signals{0, 0, 0, SIGKILL, 0, 0};
  auto results = pool.map<&die_of>(signals, {.chunksize = 2});
  auto at = results.begin();
  for (const bool dead : {false, false, true, true, false, false}) {
    if (dead) {
      EXPECT_THROW(*at, WorkerDied);
    } else {
      EXPECT_EQ(*at, 0);
    }
    ++at;
  }
}

TEST_F(ProcessCrash, callbacks_hear_of_the_death) {
  std::atomic<int> heard{0};
  ProcessPool pool{1};
  pool.submit_with_callback<&die_of>(
      [&](const Future<int>& done) {
        try {
          std::rethrow_exception(done.exception());
        } catch (const WorkerDied&) {
          ++heard;
        }
      },
      SIGKILL);
  pool.shutdown();
  EXPECT_EQ(heard, 1);
}

TEST_F(ProcessCrash, queued_work_survives_deaths_during_shutdown) {
  ProcessPool pool{1};
  std::vector<Future<int>> futures;
  for (int task = 0; task < 6; ++task) futures.push_back(pool.submit<&die_of>(task % 2 == 0 ? 0 : SIGKILL));
  pool.shutdown();
  for (std::size_t task = 0; task < 6; ++task) {
    if (task % 2 == 0) {
      EXPECT_EQ(futures[task].result(kNoTime), 0);
    } else {
      EXPECT_THROW(futures[task].result(kNoTime), WorkerDied);
    }
  }
}

// --- workers that misbehave ---

int close_everything() { return static_cast<int>(::syscall(SYS_close_range, 0U, ~0U, 0)); }

TEST_F(ProcessCrash, a_task_that_closes_all_descriptors_costs_one_worker_at_most) {
  Gate gate;
  ProcessPool pool{2};
  pool.start_all();
  const auto other = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  try {
    EXPECT_EQ(pool.submit<&close_everything>().result(), 0);
  } catch (const WorkerDied&) {
  }
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  gate.open();
  EXPECT_EQ(other.result(), 1);
}

// The worker's end of its channel, wherever it is mapped.
std::pair<char*, std::size_t> own_channel() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("memfd:pools-channel") == std::string::npos) continue;
    char* end = nullptr;
    const auto from = std::strtoull(line.c_str(), &end, 16);
    const auto to = std::strtoull(end + 1, nullptr, 16);
    return {reinterpret_cast<char*>(from), to - from};
  }
  throw std::runtime_error("there is no channel");
}
int scribble_over_the_indices() {
  const auto [memory, size] = own_channel();
  std::memset(memory + 64, 0x7f, 4096 - 64);
  return 1;
}
int scribble_over_the_answers() {
  const auto [memory, size] = own_channel();
  std::memset(memory + size / 2, 0x7f, size / 2);
  // An answer of nonsense bytes: the index of what is written goes on by one header.
  auto* const written = reinterpret_cast<std::atomic<std::uint64_t>*>(memory + 3 * 64);
  written->fetch_add(40);
  ::_exit(0);
}

TEST_F(ProcessCrash, a_worker_that_overwrites_the_ring_is_ended_and_nobody_else) {
  Gate gate;
  ProcessPool pool{2};
  pool.start_all();
  const auto other = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  for (const bool indices : {true, false}) {
    const auto vandal = indices ? pool.submit<&scribble_over_the_indices>() : pool.submit<&scribble_over_the_answers>();
    try {
      vandal.result();
      ADD_FAILURE() << "it was believed";
    } catch (const WorkerDied& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("the pool ended it because of"));
    }
    EXPECT_EQ(pool.submit<&square>(3).result(), 9);
  }
  gate.open();
  EXPECT_EQ(other.result(), 1);
}

pid_t leave_a_process_behind() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

TEST_F(ProcessCrash, what_a_task_leaves_behind_goes_with_its_worker) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);  // inherits the orphan
  pid_t orphan = -1;
  {
    ProcessPool pool{1};
    orphan = pool.submit<&leave_a_process_behind>().result();
    EXPECT_EQ(::kill(orphan, 0), 0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(orphan, &status, 0), orphan);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

// --- parents that die ---

// Kills the owner of a pool; its workers come to this process, which sees them die.
void kill_owner(const std::string& how) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const detail::FileDescriptor ours(ends[0]);
  detail::FileDescriptor theirs(ends[1]);
  Child owner = spawn({.arguments = {kOwnerArgument, how}, .channel_fd = theirs.get()});
  theirs.reset();
  pid_t workers[2] = {};
  ASSERT_EQ(::recv(ours.get(), workers, sizeof workers, MSG_WAITALL), static_cast<ssize_t>(sizeof workers));
  EXPECT_TRUE(owner.kill(SIGKILL));
  EXPECT_EQ(owner.wait().signal, SIGKILL);
  for (const pid_t worker : workers) {
    int status = 0;
    EXPECT_EQ(::waitpid(worker, &status, 0), worker);  // a worker that goes on hangs the test
    EXPECT_TRUE(WIFSIGNALED(status));
  }
  while (::waitpid(-1, nullptr, 0) > 0) {  // the guard, which ends by itself
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

TEST_F(ProcessCrash, no_worker_outlives_a_parent_that_is_killed) { kill_owner("idle"); }
// The guard's affair: what workers started is in nobody's care when they die with their pool. One that lives on hangs the test.
TEST_F(ProcessCrash, nor_does_what_the_workers_have_started) { kill_owner("grandchildren"); }
TEST_F(ProcessCrash, not_even_one_that_hangs_and_has_switched_the_signal_on_death_off) { kill_owner("hanging"); }

}  // namespace
}  // namespace pools::test
