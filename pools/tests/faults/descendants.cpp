// What workers start and what tries to get away from them; the guard, stopped, killed, outlived by a fork; an output that nobody reads.

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
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

// --- processes that leave the group of whoever starts them ---

// Each ends as `sh script`, which says its id in the file "pids" beside it and sleeps for longer than any test.
using Way = std::array<const char*, 4>;
constexpr std::array<Way, 5> kWaysOut{{
    {"timeout", "77", "sh"},                                        // makes a group of its own
    {"bash", "-c", "exec 2> /dev/null; set -m; sh \"$0\" & wait"},  // so does a shell with job control
    {"setsid", "sh"},                                               // a session of its own
    {"sh", "-c", "(setsid sh \"$0\" &)"},                           // a daemon: whoever started it is gone
    {"sh", "-c", "(env -i /usr/bin/setsid /bin/sh \"$0\" &)"},      // that has kept nothing of its environment
}};

void start(const Way& way, const std::string& script) {
  std::vector<char*> arguments;
  for (const char* word : way) {
    if (word != nullptr) arguments.push_back(const_cast<char*>(word));
  }
  arguments.push_back(const_cast<char*>(script.c_str()));
  arguments.push_back(nullptr);
  if (::fork() == 0) {
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
}

int start_escapees(const std::string& directory) {
  for (const Way& way : kWaysOut) start(way, directory + "/script");
  wait_until([&] { return test::logged(directory + "/pids").size() >= kWaysOut.size(); });
  return 0;
}

// What it takes for start_escapees(), and the processes that come of it.
class Escapees {
 public:
  Escapees() { std::ofstream(directory_.file("script")) << "echo $$ >> " << directory_.file("pids") << "\nexec sleep 76\n"; }

  const std::string& directory() const { return directory_.path(); }
  // They have been started. Until then a process's number is its own.
  void watch(std::size_t count = kWaysOut.size()) {
    for (const int pid : test::logged(directory_.file("pids"))) {
      pidfds_.emplace_back(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      FAULT_EXPECT(pidfds_.back() && alive(pidfds_.back()));
    }
    FAULT_EXPECT_EQ(pidfds_.size(), count);
  }
  bool all_live() const {
    for (const detail::FileDescriptor& each : pidfds_) {
      if (!alive(each)) return false;
    }
    return true;
  }
  // One that lives on hangs the test.
  void await_death() {
    for (const detail::FileDescriptor& each : pidfds_) {
      pollfd death{.fd = each.get(), .events = POLLIN, .revents = 0};
      while (::poll(&death, 1, -1) != 1) {
      }
    }
    pidfds_.clear();
  }
  void kill() {
    for (const detail::FileDescriptor& each : pidfds_) ::syscall(SYS_pidfd_send_signal, each.get(), SIGKILL, nullptr, 0);
  }

 private:
  static bool alive(const detail::FileDescriptor& pidfd) {
    pollfd death{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&death, 1, 0) == 0;
  }
  TemporaryDirectory directory_;
  std::vector<detail::FileDescriptor> pidfds_;
};

int hang(const std::string& gate) {
  test::pass(gate);
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(escapees_when_a_time_limit_passes, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1, .kill_gap = 1ms});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    Gate gate;
    const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
    thrown_by<TimeLimitError>([&] { hanging.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

// What is told to end may do so in its own way: SIGTERM reaches it, too. Its worker is deaf to it.
int start_polite_escapee(const std::string& directory) {
  std::ofstream(directory + "/polite") << "trap 'echo 15 >> " << directory << "/last; exit' TERM\necho $$ >> " << directory
                                       << "/pids\nwhile :; do sleep 76 & wait; done\n";
  if (::fork() == 0) {
    ::execlp("setsid", "setsid", "sh", (directory + "/polite").c_str(), nullptr);
    ::_exit(127);
  }
  wait_until([&] { return !test::logged(directory + "/pids").empty(); });
  ::signal(SIGTERM, SIG_IGN);
  return 0;
}

POOLS_FAULT_REPEATED(escapee_that_is_asked_to_end, 3) {
  const TemporaryDirectory directory;
  {
    BusyPool pool({.workers = 1, .kill_gap = 1h});  // its worker, which is deaf, has to be killed by hand
    pool->submit<&start_polite_escapee>(directory.path()).result();
    Gate gate;
    const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
    wait_until([&] { return !test::logged(directory.file("last")).empty(); });
    FAULT_EXPECT_EQ(test::logged(directory.file("last")).back(), SIGTERM);
    ::kill(pool->worker_pids().at(0), SIGKILL);
    thrown_by<TimeLimitError>([&] { hanging.result(); });
    pool.finish();
  }
  reap_all();
}

POOLS_FAULT_REPEATED(escapees_when_a_running_task_is_cancelled, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    Gate gate;
    auto hanging = pool->with({.cancel_kills = true}).submit<&hang>(gate.name());
    gate.await();
    FAULT_EXPECT(hanging.cancel());
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(escapees_when_their_worker_is_killed, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(escapees_when_their_worker_is_recycled, 3) {
  Escapees escapees;
  {
    ProcessPool pool({.workers = 1, .max_tasks_per_child = 1});
    pool.submit<&start_escapees>(escapees.directory()).result();
    for (int task = 0; task < 3; ++task) FAULT_EXPECT_EQ(pool.submit<&test::square>(task).result(), task * task);
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));  // one that lives on hangs the test
}

POOLS_FAULT_REPEATED(escapees_at_the_end_of_the_pool, 3) {
  Escapees escapees;
  {
    BusyPool pool;
    pool->submit<&start_escapees>(escapees.directory()).result();
    escapees.watch();
    pool.finish();
    escapees.await_death();  // the destructor has nothing left to do
  }
  FAULT_EXPECT(reap_all() >= static_cast<int>(kWaysOut.size()));
}

POOLS_ACTOR(owner_of_escapees) {
  Conversation conversation(3);
  BusyPool pool;
  pool->submit<&start_escapees>(arguments.at(0)).result();
  conversation.say("at work");
  for (;;) ::pause();
}

POOLS_FAULT_REPEATED(escapees_when_the_host_is_killed, 3) {
  Escapees escapees;
  Conversation conversation;
  Child owner = conversation.start("owner_of_escapees", {escapees.directory()});
  FAULT_EXPECT(conversation.hear() == "at work");
  escapees.watch();
  FAULT_EXPECT(owner.kill(SIGKILL));
  FAULT_EXPECT(owner.wait().signal == SIGKILL);
  escapees.await_death();
  FAULT_EXPECT(reap_all() >= 3 + 1 + static_cast<int>(kWaysOut.size()));  // workers, guard
}

int start_one_that_is_to_stay(const std::string& directory) {
  start({"prlimit", "--locks=unlimited", "setsid", "sh"}, directory + "/script");
  wait_until([&] { return !test::logged(directory + "/pids").empty(); });
  return 0;
}

POOLS_FAULT_REPEATED(process_that_is_to_outlive_its_worker, 3) {
  Escapees staying;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_one_that_is_to_stay>(staying.directory()).result();
    staying.watch(1);
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    pool.finish();
  }
  FAULT_EXPECT(staying.all_live());
  staying.kill();
  FAULT_EXPECT_EQ(reap_all(), 1);
}

int start_escapees_of_an_inner_pool(const std::string& directory) {
  static ProcessPool* const inner = new ProcessPool(2);
  return inner->submit<&start_escapees>(directory).result();
}

// Its own guard sees to them, which is no descendant to be killed.
POOLS_FAULT_REPEATED(escapees_of_a_pool_in_a_worker_that_is_killed, 3) {
  Escapees escapees;
  {
    BusyPool pool({.workers = 1});
    pool->submit<&start_escapees_of_an_inner_pool>(escapees.directory()).result();
    escapees.watch();
    const auto future = pool->submit<&die_of>(SIGKILL);
    thrown_by<WorkerDied>([&] { future.result(); });
    escapees.await_death();
    pool.finish();
  }
  FAULT_EXPECT(reap_all() >= 2 + 1 + static_cast<int>(kWaysOut.size()));
}

POOLS_FAULT_REPEATED(what_the_host_itself_has_started, 3) {
  Escapees own;
  {
    BusyPool pool({.workers = 2, .crash_limit = 0, .kill_gap = 1ms});
    start_escapees(own.directory());  // in this process, while there are workers
    own.watch();
    ProcessPool another(1);
    another.submit<&test::nothing>().result();
    const pid_t stranger = another.worker_pids().at(0);
    for (int death = 0; death < 3; ++death) {
      const auto future = pool->submit<&die_of>(SIGKILL);
      thrown_by<WorkerDied>([&] { future.result(); });
      Gate gate;
      const auto hanging = pool->with({.time_limit = 1ms}).submit<&hang>(gate.name());
      thrown_by<TimeLimitError>([&] { hanging.result(); });
    }
    pool.finish(6);
    FAULT_EXPECT(own.all_live());
    another.submit<&test::nothing>().result();
    FAULT_EXPECT_EQ(another.worker_pids().at(0), stranger);
  }
  FAULT_EXPECT(own.all_live());
  own.kill();
  reap_all();
}

// --- the guard ---

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
