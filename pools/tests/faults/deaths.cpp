// Workers that die, at every point of a task's way.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;
using test::Gate;
using test::TemporaryDirectory;

// The task dies of it, and nobody else: what it has said of its death is returned.
template <auto Fn, class... Args>
WorkerDied expect_own_death(BusyPool& pool, const Args&... args) {
  const std::uint64_t crashed = pool->metrics().crashed;
  const auto future = pool->submit<Fn>(args...);
  const auto died = thrown_by<WorkerDied>([&] { future.result(); });
  FAULT_EXPECT_EQ(pool->metrics().crashed, crashed + 1);
  pool.others().await(10);
  return died;
}

// In `file` a line with the id of the process that is at it, while it stands at the gate.
int stand(const std::string& gate, const std::string& file) {
  test::log_value(file, ::getpid());
  test::pass(gate);
  return ::getpid();
}

struct Standing {
  explicit Standing(ProcessPool& pool) : future(pool.submit<&stand>(gate.name(), directory.file("pid"))) {
    gate.await();
    pid = test::logged(directory.file("pid")).back();
  }
  Gate gate;
  TemporaryDirectory directory;
  Future<int> future;
  pid_t pid = -1;
};

// --- from outside ---

POOLS_FAULT(killed_while_idle) {
  BusyPool pool;
  for (int round = 0; round < 3; ++round) {
    pool->pause();  // every worker idles; the bystanders wait
    wait_until([&] { return pool->metrics().running == 0 && pool->worker_pids().size() == 3; });
    const std::vector<pid_t> pids = pool->worker_pids();
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    pool->resume();
    pool.others().await(50);
    wait_until([&] {
      const std::vector<pid_t> now = pool->worker_pids();
      return now.size() == 3 && std::find_first_of(now.begin(), now.end(), pids.begin(), pids.end()) == now.end();
    });
    pool->start_all();  // only what is ready is killed: workers that keep dying at their start break the pool, rightly
  }
  pool.finish();
}

POOLS_FAULT(killed_mid_task) {
  BusyPool pool;
  Standing standing(*pool);
  FAULT_EXPECT(::kill(standing.pid, SIGKILL) == 0);
  const auto died = thrown_by<WorkerDied>([&] { standing.future.result(); });
  FAULT_EXPECT(died.signal() == SIGKILL && !died.exit_code() && died.pid() == standing.pid);
  pool.others().await(50);
  pool.finish();
}

POOLS_FAULT(all_workers_killed_at_once) {
  BusyPool pool;
  std::uint64_t kills = 0;
  for (int round = 0; round < 3; ++round) {
    pool->start_all();
    for (const pid_t pid : pool->worker_pids()) kills += ::kill(pid, SIGKILL) == 0;
    pool.others().await(50);
  }
  FAULT_EXPECT(kills >= 3);
  pool.finish(kills);
}

// --- at a point of its way that the task itself chooses ---

int arm_the_next_request(int value) {
  die_at_the_next_request();
  return value;
}

// It is not known whose task the worker is about to take then; so nobody may notice.
POOLS_FAULT(killed_while_taking_a_task) {
  BusyPool pool;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    FAULT_EXPECT_EQ(pool->submit<&arm_the_next_request>(7).result(), 7);
    wait_until([&] { return pool->metrics().crashed >= round; });
    pool.others().await(10);
  }
  pool.finish(0);
}

std::size_t length(const std::string& text) { return text.size(); }

POOLS_FAULT(killed_while_taking_a_large_argument) {
  BusyPool pool({.workers = 1}, 4);
  for (int round = 0; round < 3; ++round) {
    const auto armed = pool->submit<&arm_the_next_request>(7);
    const auto large = pool->submit<&length>(std::string(5'000'000, 'x'));  // of which the pool has sent a part then
    FAULT_EXPECT_EQ(armed.result(), 7);
    FAULT_EXPECT_EQ(large.result(), 5'000'000U);
  }
  pool.finish(0);
}

int arm_after_the_answer(int value) {
  die_when_answered();
  return value;
}

POOLS_FAULT(killed_just_after_publishing) {
  BusyPool pool;
  for (std::uint64_t round = 1; round <= 3; ++round) {
    FAULT_EXPECT_EQ(pool->submit<&arm_after_the_answer>(9).result(), 9);
    wait_until([&] { return pool->metrics().crashed >= round; });
  }
  pool.finish(3);  // the worker may have begun another task by then
}

std::string die_half_way_through(std::size_t bytes) {
  die_mid_answer();
  return std::string(bytes, 'r');
}

POOLS_FAULT(killed_mid_write_of_a_large_result) {
  BusyPool pool;
  FAULT_EXPECT(expect_own_death<&die_half_way_through>(pool, std::size_t{8} << 20).signal() == SIGKILL);
  pool.finish();
}

bool in_a_worker = false;
void mark_as_worker() { in_a_worker = true; }

struct DiesOnArrival {
  int value = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(value);
  }
  template <class Archive>
  void load(Archive& archive) {
    if (in_a_worker) die_of(SIGKILL);
    archive(value);
  }
};
struct DiesOnDeparture {
  std::string before = std::string(300'000, 'a');
  template <class Archive>
  void save(Archive& archive) const {
    archive(before);
    if (in_a_worker) die_of(SIGKILL);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(before);
  }
};
int value_of(const DiesOnArrival& argument) { return argument.value; }
DiesOnDeparture depart() { return {}; }

POOLS_FAULT(killed_while_decoding_arguments) {
  BusyPool pool({.initializer = remote<&mark_as_worker>()});
  FAULT_EXPECT(expect_own_death<&value_of>(pool, DiesOnArrival{3}).signal() == SIGKILL);
  pool.finish();
}

POOLS_FAULT(killed_while_encoding_a_result) {
  BusyPool pool({.initializer = remote<&mark_as_worker>()});
  FAULT_EXPECT(expect_own_death<&depart>(pool).signal() == SIGKILL);
  pool.finish();
}

// --- from within ---

int leave_with(int code) {
  std::exit(code);
  return 0;
}

POOLS_FAULT(exit_mid_task) {
  BusyPool pool;
  for (const int code : {0, 3}) {
    const auto died = expect_own_death<&leave_with>(pool, code);
    FAULT_EXPECT(died.exit_code() == code && !died.signal());
  }
  pool.finish();
}

int touch_what_is_not_there() {
  ::signal(SIGSEGV, SIG_DFL);  // sanitizers have handlers
  auto* const nothing = static_cast<volatile int*>(::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  return *nothing;
}

POOLS_FAULT(segmentation_fault) {
  BusyPool pool;
  FAULT_EXPECT(expect_own_death<&touch_what_is_not_there>(pool).signal() == SIGSEGV);
  pool.finish();
}

int abort_now() {
  ::signal(SIGABRT, SIG_DFL);
  std::abort();
}

POOLS_FAULT(abort_mid_task) {
  BusyPool pool;
  FAULT_EXPECT(expect_own_death<&abort_now>(pool).signal() == SIGABRT);
  pool.finish();
}

int throw_where_none_may_pass() noexcept {
  ::signal(SIGABRT, SIG_DFL);
  const auto thrower = [](bool really) {
    if (really) throw std::runtime_error("nobody catches this");
  };
  thrower(true);
  return 0;
}

POOLS_FAULT(terminate_mid_task) {
  BusyPool pool;
  const auto died = expect_own_death<&throw_where_none_may_pass>(pool);
  FAULT_EXPECT(died.signal() == SIGABRT);
  FAULT_EXPECT(died.stderr_tail().find("nobody catches this") != std::string::npos);  // the runtime says why
  pool.finish();
}

__attribute__((noinline)) int sink_deeper(int depth) {  // NOLINT(misc-no-recursion): it is to overflow
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return depth < 0 ? 0 : sink_deeper(depth + 1) + frame[0];
}
int overflow_the_stack() {
  ::signal(SIGSEGV, SIG_DFL);
  return sink_deeper(0);
}

POOLS_FAULT(stack_overflow) {
  BusyPool pool;
  FAULT_EXPECT(expect_own_death<&overflow_the_stack>(pool).signal() == SIGSEGV);
  pool.finish();
}

// --- neither dead nor alive ---

int stop_self(int value) {
  ::raise(SIGSTOP);
  return value;
}

POOLS_FAULT(stopped_mid_task) {
  BusyPool pool({.kill_gap = 20ms});
  // With a time limit, the stop ends in a kill: a stopped process does not hear the SIGTERM.
  const auto doomed = pool->with({.time_limit = 50ms}).submit<&stop_self>(1);
  FAULT_EXPECT(thrown_by<TimeLimitError>([&] { doomed.result(); }).signal() == SIGKILL);
  // Without one it is a task that takes long; the others go on, and so does it when it is continued.
  Standing standing(*pool);
  ::kill(standing.pid, SIGSTOP);
  standing.gate.open();
  pool.others().await(100);
  FAULT_EXPECT(!standing.future.done());
  ::kill(standing.pid, SIGCONT);
  FAULT_EXPECT_EQ(standing.future.result(), standing.pid);
  pool.finish();
}

int loop_deaf_to_sigterm() {
  ::signal(SIGTERM, SIG_IGN);
  for (std::atomic<unsigned> turn{0};;) turn.fetch_add(1, std::memory_order_relaxed);  // an effect: it may not be optimised away
}

POOLS_FAULT(endless_loop_that_ignores_sigterm) {
  BusyPool pool({.kill_gap = 20ms});
  const auto endless = pool->with({.time_limit = 50ms}).submit<&loop_deaf_to_sigterm>();
  const auto overdue = thrown_by<TimeLimitError>([&] { endless.result(); });
  FAULT_EXPECT(overdue.signal() == SIGKILL);
  pool.others().await(50);
  pool.finish();
}

// --- what they leave behind ---

pid_t leave_a_process_behind_and_die(const std::string& file) {
  test::log_value(file, leave_a_process_behind());
  return die_of(SIGKILL);
}

POOLS_FAULT(grandchild_left_behind) {
  const TemporaryDirectory directory;
  BusyPool pool;
  const pid_t first = pool->submit<&leave_a_process_behind>().result();
  FAULT_EXPECT(::kill(first, 0) == 0);  // as long as its worker lives
  expect_own_death<&leave_a_process_behind_and_die>(pool, directory.file("pid"));
  reap(test::logged(directory.file("pid")).back());  // with its worker, whatever became of that
  pool.finish();
  reap(first);  // with its worker, which was told to stop
}

}  // namespace
}  // namespace pools::faults
