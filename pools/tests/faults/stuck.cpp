// What does nothing and does not die either: workers that are stopped while they idle, or hang at their end or their beginning.

#include <sys/ptrace.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;

[[noreturn]] void hang() {
  for (;;) ::pause();
}

void finish(ProcessPool& pool) {
  pool.shutdown();
  expect_balance(pool);
}

// --- workers that somebody traces ---

// Holds on to it until the gate opens. What ptrace() says if it may not.
int trace(int pid, const std::string& gate) {
  const int error = ::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0 ? 0 : errno;
  return test::pass_and_return(gate, error);
}

// Its status is the tracer's, for as long as that likes. The pool goes on without.
POOLS_FAULT(killed_while_it_is_traced) {
  test::Gate gate;
  test::Gate door;
  ProcessPool tracers(1);
  ProcessPool pool({.workers = 1, .kill_gap = 10ms});
  pool.start_all();
  const pid_t traced = pool.worker_pids().front();
  const auto tracer = tracers.submit<&trace>(traced, gate.name());
  gate.await();
  const auto task = pool.submit<&test::pass_and_return>(door.name(), 1);
  door.await();
  ::kill(traced, SIGKILL);
  thrown_by<WorkerDied>([&] { task.result(); });
  FAULT_EXPECT_EQ(pool.submit<&test::square>(3).result(), 9);
  gate.open();
  if (const int error = tracer.result(); error != 0)
    throw Skip(std::string("processes may not be traced here: ") + std::strerror(error));
  finish(tracers);  // which lets go of it
  FAULT_EXPECT_EQ(pool.submit<&test::square>(4).result(), 16);
  pool.resize(2);  // what was left to the tracer is reaped when a process is started
  pool.start_all();
  finish(pool);
}

// --- workers that do not begin what they are given ---

POOLS_FAULT(stopped_while_idle) {
  ProcessPool pool({.workers = 2, .kill_gap = 10ms, .grace = 200ms});
  pool.start_all();
  ::kill(pool.worker_pids().front(), SIGSTOP);
  std::vector<Future<int>> futures;
  for (int task = 0; task < 50; ++task) futures.push_back(pool.submit<&test::square>(task));
  for (int task = 0; task < 50; ++task) FAULT_EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task * task);
  finish(pool);
  FAULT_EXPECT_EQ(pool.metrics().done, 50U);
}

// All that the others are at is long: only the stopped one is left to be given anything.
POOLS_FAULT(stopped_while_idle_beside_long_tasks) {
  test::Gate gate;
  ProcessPool pool({.workers = 3, .kill_gap = 10ms, .grace = 100ms});
  pool.start_all();
  const auto first = pool.submit<&test::pass_and_return>(gate.name(), 1);
  const auto second = pool.submit<&test::pass_and_return>(gate.name(), 2);
  gate.await(2);
  for (const pid_t pid : pool.worker_pids()) ::kill(pid, SIGSTOP);
  FAULT_EXPECT_EQ(pool.submit<&test::square>(3).result(), 9);  // by one in the place of the third
  for (const pid_t pid : pool.worker_pids()) ::kill(pid, SIGCONT);
  gate.open();
  FAULT_EXPECT_EQ(first.result() + second.result(), 3);
  finish(pool);
  FAULT_EXPECT(pool.metrics().crashed >= 1);
}

pid_t own_process() { return ::getpid(); }

// Long before it is given up: what it has not begun goes to the other one, and nobody dies.
POOLS_FAULT(stopped_while_idle_and_not_given_up) {
  test::Gate gate;
  ProcessPool pool({.workers = 2, .grace = 1h});
  pool.start_all();
  const auto other = pool.submit<&test::pass_and_return>(gate.name(), 1);
  gate.await();
  const pid_t idle = pool.submit<&own_process>().result();
  ::kill(idle, SIGSTOP);
  const auto task = pool.submit<&test::square>(3);
  gate.open();
  FAULT_EXPECT_EQ(task.result(), 9);
  FAULT_EXPECT_EQ(other.result(), 1);
  ::kill(idle, SIGCONT);
  finish(pool);
  FAULT_EXPECT_EQ(pool.metrics().crashed, 0U);
}

POOLS_FAULT(only_worker_stopped_while_idle) {
  ProcessPool pool({.workers = 1, .quarantine_after = 1, .crash_limit = 1, .kill_gap = 10ms, .grace = 50ms});
  pool.start_all();
  ::kill(pool.worker_pids().front(), SIGSTOP);
  FAULT_EXPECT_EQ(pool.submit<&test::square>(3).result(), 9);
  finish(pool);
  FAULT_EXPECT(pool.metrics().crashed >= 1);
}

// What was given and taken back has left no time limit behind, and a worker that goes on is one like the others.
POOLS_FAULT(stopped_and_continued) {
  ProcessPool pool({.workers = 1, .grace = 1h});
  pool.start_all();
  const pid_t worker = pool.worker_pids().front();
  ::kill(worker, SIGSTOP);
  const auto task = pool.with({.time_limit = 1h}).submit<&test::square>(3);
  const auto other = pool.submit<&test::square>(4);
  const auto cancelled = pool.submit<&test::square>(5);
  FAULT_EXPECT(cancelled.cancel());
  wait_until([&] { return pool.metrics().queued == 2; });  // taken back
  ::kill(worker, SIGCONT);
  FAULT_EXPECT_EQ(task.result() + other.result(), 25);
  finish(pool);
  FAULT_EXPECT_EQ(pool.metrics().crashed, 0U);
}

std::size_t length(const std::string& text) { return text.size(); }

POOLS_FAULT(stopped_before_a_large_argument) {
  constexpr std::size_t kLarge = std::size_t{5} << 20;  // more than a ring holds
  ProcessPool pool({.workers = 2, .kill_gap = 10ms, .grace = 50ms});
  pool.start_all();
  for (const pid_t pid : pool.worker_pids()) ::kill(pid, SIGSTOP);
  FAULT_EXPECT_EQ(pool.submit<&length>(std::string(kLarge, 'a')).result(), kLarge);
  finish(pool);
}

void survive_sigterm() {
  ::signal(SIGTERM, [](int) {});
}

bool sigterm_is_pending(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.find("Pnd:") != std::string::npos && (std::stoull(line.substr(8), nullptr, 16) >> (SIGTERM - 1) & 1) != 0)
      return true;
  }
  return false;
}

// It goes on in the middle of its end, and makes room for what it is not sent any more.
POOLS_FAULT(stopped_and_continued_while_it_is_ended) {
  constexpr std::size_t kLarge = std::size_t{5} << 20;
  ProcessPool pool({.workers = 1, .initializer = remote<&survive_sigterm>(), .kill_gap = 100ms, .grace = 50ms});
  pool.start_all();
  const pid_t worker = pool.worker_pids().front();
  ::kill(worker, SIGSTOP);
  const auto task = pool.submit<&length>(std::string(kLarge, 'a'));
  wait_until([&] { return sigterm_is_pending(worker); });
  ::kill(worker, SIGCONT);
  FAULT_EXPECT_EQ(task.result(), kLarge);
  finish(pool);
}

// --- the end ---

POOLS_FAULT(stopped_before_shutdown) {
  for (const bool cancels : {false, true}) {
    ProcessPool pool({.workers = 2, .kill_gap = 10ms, .grace = 50ms});
    pool.start_all();
    for (const pid_t pid : pool.worker_pids()) ::kill(pid, SIGSTOP);
    pool.shutdown({.wait = true, .cancel_futures = cancels});
    expect_balance(pool);
  }
}

void hang_at_exit() {
  ::signal(SIGTERM, SIG_IGN);
  std::atexit([] { hang(); });
}

POOLS_FAULT(worker_that_hangs_at_its_exit) {
  ProcessPool pool({.workers = 2, .initializer = remote<&hang_at_exit>(), .kill_gap = 10ms, .grace = 50ms});
  FAULT_EXPECT_EQ(pool.submit<&test::square>(3).result(), 9);
  pool.start_all();
  finish(pool);
}

POOLS_FAULT(recycled_worker_that_hangs_at_its_exit) {
  ProcessPool pool(
      {.workers = 1, .initializer = remote<&hang_at_exit>(), .max_tasks_per_child = 1, .kill_gap = 10ms, .grace = 50ms});
  for (int task = 0; task < 3; ++task) FAULT_EXPECT_EQ(pool.submit<&test::square>(task).result(), task * task);
  finish(pool);
}

// --- the beginning ---

void hang_at_a_gate(const std::string& gate) {
  test::pass(gate);
  hang();
}

POOLS_FAULT(initializer_that_hangs) {
  test::Gate gate;
  gate.open();
  ProcessPool pool({.workers = 2, .initializer = remote<&hang_at_a_gate>(gate.name()), .kill_gap = 10ms, .grace = 50ms});
  std::vector<Future<int>> futures;
  for (int task = 0; task < 2; ++task) futures.push_back(pool.submit<&test::square>(task));
  gate.await(2);
  pool.shutdown({.wait = true, .cancel_futures = true});
  for (const auto& future : futures) FAULT_EXPECT(future.cancelled());
  expect_balance(pool);
}

// --- decoders ---

bool in_a_worker = false;
void mark_as_worker() { in_a_worker = true; }

// Stands at a gate when it is decoded in the host.
struct DecodedAtAGate {
  std::string gate;
  template <class Archive>
  void save(Archive& archive) const {
    archive(gate);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(gate);
    if (!in_a_worker) test::pass(gate);
  }
};
DecodedAtAGate slow_to_decode(const std::string& gate) { return {gate}; }

POOLS_FAULT(decoder_that_blocks) {
  test::Gate gate;
  BusyPool pool({.initializer = remote<&mark_as_worker>()});
  const auto first = pool->submit<&slow_to_decode>(gate.name());
  const auto second = pool->submit<&slow_to_decode>(gate.name());
  gate.await();
  pool.others().await(200);
  ::kill(pool->worker_pids().front(), SIGKILL);  // the dead are seen, too
  wait_until([&] { return pool->metrics().crashed == 1; });
  FAULT_EXPECT(!first.done() && first.running() && !second.done());
  gate.open();
  pool.finish(1);  // waits for both
  FAULT_EXPECT(first.result().gate == gate.name() && second.result().gate == gate.name());
}

}  // namespace
}  // namespace pools::faults
