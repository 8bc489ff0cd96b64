// The guard of a pool, stopped, killed, outlived by a fork; an output that nobody reads.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "pools/tests/faults/aftermath.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/escapees.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

using namespace std::chrono_literals;
using test::Gate;
using test::TemporaryDirectory;

pid_t guard_of(pid_t host) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    // "pid (comm) state ppid"
    std::string stat;
    std::getline(std::ifstream(entry.path() / "stat"), stat);
    const auto end = stat.rfind(") ");
    if (end == std::string::npos || stat.find("(pool_guard)") == std::string::npos || stat[end + 2] == 'Z') continue;
    if (std::stoi(stat.substr(end + 4)) == host) return std::stoi(name);
  }
  return -1;
}
pid_t await_guard(pid_t other_than = -1) {
  pid_t guard = -1;
  wait_until([&] { return (guard = guard_of(::getpid())) > 0 && guard != other_than; });
  return guard;
}
void stop_and_await(pid_t pid) {
  ::kill(pid, SIGSTOP);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOWAIT) != 0) {
  }
}

POOLS_FAULT(guard_stopped_at_the_end_of_the_pool) {
  BusyPool pool;
  stop_and_await(await_guard());
  pool.finish();
}  // the destructor returns

// Whatever a stopped guard is sent, it does not take; with the smallest pipes that there are, soon no more goes in.
void shrink_pipes() {
  for (int each = 3; each < 256; ++each) ::fcntl(each, F_SETPIPE_SZ, 4096);
}

POOLS_ACTOR(owner_with_a_stopped_guard) {
  Conversation conversation(3);
  ProcessPool pool({.workers = 2, .crash_limit = 0});
  pool.start_all();
  const pid_t guard = await_guard();
  stop_and_await(guard);
  shrink_pipes();
  // A record of a worker's birth and one of its death, of 8 bytes each, were more than 4,096 bytes after 256 of them.
  for (int death = 0; death < 300; ++death) {
    const auto future = pool.submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
  }
  pool.submit<&start_escapees>(arguments.at(0)).result();
  conversation.say(std::to_string(guard));
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(guard_stopped_for_hundreds_of_deaths, 1) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_with_a_stopped_guard", {escapees.directory()});
  const pid_t guard = std::stoi(conversation.hear());
  escapees.watch();
  FAULT_EXPECT(owner.kill(SIGKILL));
  owner.wait();
  FAULT_EXPECT(::kill(guard, SIGCONT) == 0);
  escapees.await_death();
  FAULT_EXPECT(reap_all() >= 1 + static_cast<int>(kWaysOut.size()));
}

POOLS_ACTOR(owner_with_a_second_guard) {
  Conversation conversation(3);
  BusyPool pool;
  pool->submit<&start_escapees>(arguments.at(0)).result();
  const pid_t first = await_guard();
  ::kill(first, SIGKILL);
  await_guard(first);
  conversation.say("replaced");
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(guard_killed_before_the_host, 3) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_with_a_second_guard", {escapees.directory()});
  FAULT_EXPECT(conversation.hear() == "replaced");
  escapees.watch();
  FAULT_EXPECT(owner.kill(SIGKILL));
  owner.wait();
  escapees.await_death();
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

// It holds whatever descriptors the host had.
POOLS_ACTOR(owner_with_a_fork_that_lives_on) {
  Conversation conversation(3);
  BusyPool pool;
  pool->submit<&start_escapees>(arguments.at(0)).result();
  await_guard();
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  conversation.say(std::to_string(child));
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(host_killed_and_its_fork_lives_on, 3) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_with_a_fork_that_lives_on", {escapees.directory()});
  const pid_t fork = std::stoi(conversation.hear());
  escapees.watch();
  FAULT_EXPECT(owner.kill(SIGKILL));
  owner.wait();
  escapees.await_death();
  FAULT_EXPECT(::kill(fork, 0) == 0);  // no worker's descendant
  ::kill(fork, SIGKILL);
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_ACTOR(owner_that_becomes_another_program) {
  Conversation conversation(3);
  BusyPool pool;
  pool->submit<&start_escapees>(arguments.at(0)).result();
  conversation.say("at work");
  conversation.hear();
  ::execlp("sleep", "sleep", "76", nullptr);
  return EXIT_FAILURE;
}

POOLS_FAULT_REPEATED(host_executes_another_program, 3) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_that_becomes_another_program", {escapees.directory()});
  FAULT_EXPECT(conversation.hear() == "at work");
  escapees.watch();
  conversation.say("go");
  escapees.await_death();
  FAULT_EXPECT(owner.kill(SIGKILL));
  FAULT_EXPECT(owner.wait().signal == SIGKILL);
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

// --- an output that nobody reads ---

int say_a_lot(int lines) {
  for (int line = 0; line < lines; ++line)
    std::puts("a line that nobody is going to read, however long its writer may wait for that");
  return std::ferror(stdout);
}

POOLS_ACTOR(owner_whose_output_nobody_reads) {
  ProcessPool pool({.workers = 2, .output_patience = 10ms});
  // More than the host's pipe, the pool and the worker's pipe hold: it is in the middle of it when the pool is to end.
  const auto talking = pool.submit<&say_a_lot>(20'000);
  wait_until([&] { return talking.running(); });
  pool.shutdown();
  return talking.result() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

POOLS_FAULT_REPEATED(output_into_a_full_pipe_that_nobody_reads, 1) {
  int ends[2];
  FAULT_EXPECT(::pipe2(ends, O_CLOEXEC) == 0);
  const detail::FileDescriptor unread(ends[0]);
  const detail::FileDescriptor full(ends[1]);
  Child owner = spawn({.arguments = {kActorArgument, "owner_whose_output_nobody_reads"}, .stdout_fd = full.get()});
  expect_success(owner.wait());
}

}  // namespace
}  // namespace pools::faults
