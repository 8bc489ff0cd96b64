// Parents and hosts: killed, interrupted, with ideas of their own about SIGCHLD.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using test::Gate;

// --- the parent is killed ---

int hang_deaf_to_the_parents_death() {
  ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  for (;;) ::pause();
}

POOLS_ACTOR(owner_to_be_killed) {
  Conversation conversation(3);
  BusyPool pool({.workers = 4});
  for (int child = 0; child < 4; ++child) pool->submit<&leave_a_process_behind>().result();
  pool->submit<&hang_deaf_to_the_parents_death>();
  pool.others().await(20);
  conversation.say("at work");
  for (;;) ::pause();
}

// Returns when all are gone; how long that took.
std::chrono::nanoseconds kill_an_owner() {
  Conversation conversation;
  Child owner = conversation.start("owner_to_be_killed");
  FAULT_EXPECT(conversation.hear() == "at work");
  const auto before = std::chrono::steady_clock::now();
  FAULT_EXPECT(owner.kill(SIGKILL));
  FAULT_EXPECT(owner.wait().signal == SIGKILL);
  const int orphans = reap_all();  // one that lives on hangs the test
  const auto took = std::chrono::steady_clock::now() - before;
  FAULT_EXPECT(orphans >= 4 + 4 + 1);  // workers, what they had started, the guard
  return took;
}

// Within 100 ms, unless this machine is so busy that even the quickest of several takes longer.
POOLS_FAULT(parent_killed) {
  std::chrono::nanoseconds quickest = std::chrono::hours(1);
  for (int kill = 0; kill < 20 && quickest > std::chrono::milliseconds(100); ++kill)
    quickest = std::min(quickest, kill_an_owner());
  std::printf("all were gone after %.1f ms\n", static_cast<double>(quickest.count()) / 1e6);
  FAULT_EXPECT(quickest <= std::chrono::milliseconds(100));
}

POOLS_FAULT(submitting_thread_gone) {
  BusyPool pool;
  Gate gate;
  std::vector<Future<int>> futures;
  // Its submits start workers, too: what the kernel would kill with the thread that forked them.
  std::thread([&] {
    pool->resize(6);
    for (int task = 0; task < 6; ++task) futures.push_back(pool->submit<&test::pass_and_return>(gate.name(), task));
    gate.await(4);
  }).join();
  gate.open();
  for (int task = 0; task < 6; ++task) FAULT_EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// --- Ctrl-C ---

std::atomic<int> interrupts{0};
void note_interrupt(int signal) {
  ++interrupts;
  ::signal(signal, SIG_DFL);  // a second one ends it
}

// A program in the foreground of the terminal that it is told.
POOLS_ACTOR(program_in_a_terminal) {
  Conversation conversation(3);
  ::signal(SIGHUP, SIG_IGN);
  const detail::FileDescriptor terminal(::setsid() < 0 ? -1 : ::open(arguments.at(0).c_str(), O_RDWR | O_CLOEXEC));
  if (!terminal || ::ioctl(terminal.get(), TIOCSCTTY, 0) != 0) throw Failure("this is no terminal");
  ::signal(SIGINT, &note_interrupt);
  BusyPool pool;
  Gate gate;
  const auto running = pool->submit<&test::pass_and_return>(gate.name(), 5);
  gate.await();
  conversation.say("at work");
  wait_until([] { return interrupts > 0; });
  // The workers have not heard it. They do not even mind when they are sent it.
  for (const pid_t pid : pool->worker_pids()) ::kill(pid, SIGINT);
  pool.others().await(50);
  FAULT_EXPECT(!running.done());
  // Now all three are at it, lest the shutdown lets the idle ones go.
  for (int task = 0; task < 2; ++task) pool->submit<&test::pass_and_return>(gate.name(), task);
  gate.await(2);
  conversation.say("shutting down");
  if (arguments.at(1) == "twice") pool->shutdown();  // waits for a task that waits for ever
  gate.open();
  FAULT_EXPECT_EQ(running.result(), 5);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
  return 0;
}

struct Terminal {
  Terminal() : master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    char name[128];
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0) {
      throw Skip("there are no terminals");
    }
    slave = name;
  }
  void press_ctrl_c() { FAULT_EXPECT(::write(master.get(), "\x03", 1) == 1); }
  detail::FileDescriptor master;
  std::string slave;
};

POOLS_FAULT(ctrl_c_once) {
  Terminal terminal;
  Conversation conversation;
  Child program = conversation.start("program_in_a_terminal", {terminal.slave, "once"});
  FAULT_EXPECT(conversation.hear() == "at work");
  terminal.press_ctrl_c();
  FAULT_EXPECT(conversation.hear() == "shutting down");
  expect_success(program.wait());
}

POOLS_FAULT(ctrl_c_twice) {
  const test::TemporaryDirectory directory;  // the gate of a program that is killed stays where it was
  const std::string before = ::getenv("TMPDIR");
  ::setenv("TMPDIR", directory.path().c_str(), 1);
  Terminal terminal;
  Conversation conversation;
  Child program = conversation.start("program_in_a_terminal", {terminal.slave, "twice"});
  ::setenv("TMPDIR", before.c_str(), 1);
  FAULT_EXPECT(conversation.hear() == "at work");
  terminal.press_ctrl_c();
  FAULT_EXPECT(conversation.hear() == "shutting down");
  terminal.press_ctrl_c();
  FAULT_EXPECT(program.wait().signal == SIGINT);
  FAULT_EXPECT(reap_all() >= 4);  // its workers and its guard
}

// --- SIGCHLD ---

void expect_unknown_status(BusyPool& pool, int rounds) {
  int unknown = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto future = pool->submit<&die_of>(SIGKILL);
    const auto died = thrown_by<WorkerDied>([&] { future.result(); });
    if (!died.signal() && !died.exit_code()) {
      ++unknown;
      FAULT_EXPECT(mentions(died, "unknown status"));
    }
    pool.others().await(30);
  }
  FAULT_EXPECT(unknown > 0);
}

POOLS_ACTOR(host_that_ignores_sigchld) {
  ::signal(SIGCHLD, SIG_IGN);
  BusyPool pool;
  expect_unknown_status(pool, 5);
  pool.finish();
  return 0;
}
POOLS_FAULT(sigchld_ignored) { play("host_that_ignores_sigchld"); }

// Reaps whatever dies, as soon as it does.
POOLS_ACTOR(host_that_reaps_everything) {
  std::atomic<bool> over{false};
  std::thread reaper([&] {
    while (!over) {
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) std::this_thread::yield();
    }
  });
  {
    BusyPool pool;
    // Which of the two is first is not determined; in the end it is the foreign one, at least once.
    for (bool seen = false; !seen;) {
      const auto future = pool->submit<&die_of>(SIGKILL);
      const auto died = thrown_by<WorkerDied>([&] { future.result(); });
      FAULT_EXPECT(!died.exit_code());
      seen = !died.signal();
      FAULT_EXPECT(!seen || mentions(died, "unknown status"));
      pool.others().await(30);
    }
    pool.finish();
  }
  over = true;
  reaper.join();
  return 0;
}
POOLS_FAULT(foreign_waitpid) { play("host_that_reaps_everything"); }

}  // namespace
}  // namespace pools::faults
