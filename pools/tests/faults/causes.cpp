// Workers that die of what the kernel does to them: the future names the cause.

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "pools/src/base/cgroup.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/process/os/oom_kills.h"
#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/faults/sabotage.h"
#include "pools/tests/gate.h"

namespace pools::faults {
namespace {

namespace fs = std::filesystem;

void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void limit_to(int resource, rlim_t soft, rlim_t hard) {
  const rlimit limit{.rlim_cur = soft, .rlim_max = hard};
  if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) throw_errno("setrlimit");
}
[[noreturn]] void compute_for_ever() {
  for (volatile std::uint64_t count = 0;;) count = count + 1;
}

int compute_beyond_the_limit() {
  ::signal(SIGXCPU, SIG_IGN);
  limit_to(RLIMIT_CPU, 1, 1);
  compute_for_ever();
}
int write_beyond_the_limit() {
  ::signal(SIGXFSZ, SIG_DFL);
  limit_to(RLIMIT_FSIZE, 100, RLIM_INFINITY);
  const detail::FileDescriptor file(::memfd_create("pools-test", MFD_CLOEXEC));
  const char bytes[100] = {};
  for (int writes = 0; writes < 2; ++writes) {
    if (::write(file.get(), bytes, sizeof bytes) < 0) throw_errno("write");
  }
  return 0;
}
// All system calls: the next one is the last.
int call_what_a_filter_refuses() {
  ::signal(SIGSYS, SIG_DFL);
  sock_filter kill[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  const sock_fprog program{.len = 1, .filter = kill};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw_errno("seccomp");
  }
  return ::getppid();
}
int read_a_file_that_was_cut() {
  ::signal(SIGBUS, SIG_DFL);
  const detail::FileDescriptor file(::memfd_create("pools-test", MFD_CLOEXEC));
  if (::ftruncate(file.get(), 4096) != 0) throw_errno("ftruncate");
  const auto* const bytes = static_cast<const volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0));
  if (::ftruncate(file.get(), 0) != 0) throw_errno("ftruncate");
  return bytes[0];
}
int leave_with_status_4() { ::_exit(4); }

template <auto Fn, class... Args>
void expect_cause(BusyPool& pool, DeathCause cause, const std::string& words, const std::string& task, const Args&... args) {
  const auto future = pool->submit<Fn>(args...);
  const auto died = thrown_by<WorkerDied>([&] { future.result(); });
  FAULT_EXPECT_EQ(static_cast<int>(died.cause()), static_cast<int>(cause));
  FAULT_EXPECT(mentions(died, words));
  FAULT_EXPECT(mentions(died, " s into ") && mentions(died, task));
  FAULT_EXPECT(died.death().task.find(task) != std::string::npos);
  FAULT_EXPECT(died.death().task_time && died.death().cpu_time);
}

POOLS_FAULT_REPEATED(causes_of_deaths_are_named, 1) {
  BusyPool pool;
  expect_cause<&compute_beyond_the_limit>(pool, DeathCause::cpu_limit, "RLIMIT_CPU", "compute_beyond_the_limit");
  expect_cause<&write_beyond_the_limit>(pool, DeathCause::file_size_limit, "RLIMIT_FSIZE", "write_beyond_the_limit");
  expect_cause<&call_what_a_filter_refuses>(pool, DeathCause::bad_system_call, "seccomp", "call_what_a_filter_refuses");
  expect_cause<&read_a_file_that_was_cut>(pool, DeathCause::bus_error, "a file that was cut", "read_a_file_that_was_cut");
  expect_cause<&die_of>(pool, DeathCause::crashed, "signal 11", "die_of", SIGSEGV);
  expect_cause<&die_of>(pool, DeathCause::killed, "somebody else than this pool", "die_of", SIGKILL);
  expect_cause<&die_of>(pool, DeathCause::killed, "somebody else than this pool", "die_of", SIGTERM);
  expect_cause<&leave_with_status_4>(pool, DeathCause::exited, "status 4", "leave_with_status_4");
  pool.finish();
}

// --- memory ---

constexpr std::size_t kMuch = std::size_t{64} << 20;
int fill_memory_and_die(std::size_t bytes) {
  const std::string filled(bytes, 'm');
  std::raise(SIGKILL);
  return filled[bytes / 2];
}

// A program that is large, or was, when its workers are started: the kernel counts that as theirs.
POOLS_ACTOR(owner_that_is_larger_than_its_workers) {
  static_cast<void>(std::string(2 * kMuch, 'm').find('n'));
  ProcessPool pool({.workers = 1});
  const auto small = thrown_by<WorkerDied>([&] { pool.submit<&fill_memory_and_die>(kMuch).result(); });
  FAULT_EXPECT(!small.death().peak_memory && !mentions(small, "of memory at most"));
  const auto large = thrown_by<WorkerDied>([&] { pool.submit<&fill_memory_and_die>(4 * kMuch).result(); });
  FAULT_EXPECT(large.death().peak_memory >= 4 * kMuch && mentions(large, " MiB of memory at most"));
  pool.shutdown();
  expect_balance(pool);
  return 0;
}
POOLS_FAULT_REPEATED(peak_memory_is_the_workers_own, 2) { play("owner_that_is_larger_than_its_workers"); }

constexpr std::uint64_t kGroupLimit = std::uint64_t{192} << 20;

// A control group of version 1 below this process's own, for as long as this lives. Of version 2 one cannot be made where there are processes.
class MemoryGroup {
 public:
  MemoryGroup() {
    detail::for_each_cgroup("/proc/self", "/sys/fs/cgroup", "memory", [this](const fs::path& group, bool v2) {
      if (v2 || !path_.empty() || !fs::exists(group / "memory.oom_control")) return;
      path_ = group / ("pools-test-" + std::to_string(::getpid()));
    });
    std::error_code refused;
    if (path_.empty() || (!fs::create_directory(path_, refused) && !fs::exists(path_)))
      throw Skip("no control group can be made");
    std::ofstream(path_ / "memory.limit_in_bytes") << kGroupLimit;
    std::uint64_t limit = 0;
    if ((std::ifstream(path_ / "memory.limit_in_bytes") >> limit) && limit == kGroupLimit) return;
    remove();
    throw Skip("no limit can be set");
  }
  ~MemoryGroup() { remove(); }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;
  const fs::path& path() const noexcept { return path_; }

 private:
  void remove() const {
    wait_until([this] {  // what was in it is reaped, but goes a little later
      std::error_code busy;
      fs::remove(path_, busy);
      return !fs::exists(path_);
    });
  }
  fs::path path_;
};

std::size_t fill_memory(std::size_t bytes) { return std::string(bytes, 'm').size(); }

POOLS_ACTOR(somebody_who_fills_memory) { return fill_memory(2 * kGroupLimit) > 0 ? 0 : 1; }

POOLS_ACTOR(owner_in_a_small_control_group) {
  const fs::path group = arguments.at(0);
  std::ofstream(group / "cgroup.procs") << ::getpid();
  ProcessPool pool({.workers = 2});
  for (int round = 0; round < 2; ++round) {
    pool.start_all();
    const std::vector<pid_t> pids = pool.worker_pids();
    const auto died = thrown_by<WorkerDied>([&] { pool.submit<&fill_memory>(2 * kGroupLimit).result(); });
    FAULT_EXPECT_EQ(static_cast<int>(died.cause()), static_cast<int>(DeathCause::out_of_memory));
    FAULT_EXPECT(died.signal() == SIGKILL);
    FAULT_EXPECT(mentions(died, group.string()) && mentions(died, std::to_string(kGroupLimit)));
    FAULT_EXPECT(died.death().peak_memory >= kGroupLimit / 4 && mentions(died, "lack of memory"));
    // That kill has been somebody's: the other one, who had lived by then, dies of another.
    const pid_t other = pids.at(0) == died.pid() ? pids.at(1) : pids.at(0);
    test::Gate gate;  // what has not begun would go to another worker
    const Future<void> tasks[] = {pool.submit<&test::pass>(gate.name()), pool.submit<&test::pass>(gate.name())};
    gate.await(2);
    const std::vector<pid_t> at_work = pool.worker_pids();
    FAULT_EXPECT(::kill(other, SIGKILL) == 0);
    wait_until([&] { return tasks[0].done() || tasks[1].done(); });
    const auto killed = thrown_by<WorkerDied>([&] { tasks[tasks[0].done() ? 0 : 1].result(); });
    FAULT_EXPECT_EQ(killed.pid(), other);
    FAULT_EXPECT_EQ(static_cast<int>(killed.cause()), static_cast<int>(DeathCause::killed));
    for (const pid_t pid : at_work) {
      if (pid != other) ::kill(pid, SIGKILL);  // not one that starts: the pool would wait before it starts others
    }
    for (const Future<void>& task : tasks) static_cast<void>(thrown_by<WorkerDied>([&] { task.result(); }));
  }
  // Another process of the group is killed for memory, and long after that a worker by somebody else.
  pool.resize(1);
  wait_until([&] { return pool.worker_pids().size() == 1 && pool.metrics().workers == 1; });
  test::Gate gate;
  const Future<void> task = pool.submit<&test::pass>(gate.name());
  gate.await();
  FAULT_EXPECT(start_actor("somebody_who_fills_memory").wait().signal == SIGKILL);
  std::this_thread::sleep_for(detail::OomLedger::kRemembered + 2 * detail::OomLedger::kPeriod);
  FAULT_EXPECT(::kill(pool.worker_pids().at(0), SIGKILL) == 0);
  const auto killed = thrown_by<WorkerDied>([&] { task.result(); });
  FAULT_EXPECT_EQ(static_cast<int>(killed.cause()), static_cast<int>(DeathCause::killed));
  pool.shutdown();
  expect_balance(pool);
  return 0;
}

POOLS_FAULT_REPEATED(killed_for_memory_in_a_control_group, 2) {
  const MemoryGroup group;
  play("owner_in_a_small_control_group", {group.path().string()});
}

}  // namespace
}  // namespace pools::faults
