// What the system refuses: memory, descriptors, processes, memfds, the file of the program.

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "pools/tests/faults/bystanders.h"
#include "pools/tests/faults/counted_reports.h"
#include "pools/tests/faults/fault.h"
#include "pools/tests/gate.h"
#include "pools/tests/soft_limit.h"

namespace pools::faults {
namespace {

using test::SoftLimit;

// --- memory ---

std::size_t length(const std::string& text) { return text.size(); }

POOLS_FAULT(out_of_memory) {
  constexpr std::size_t kLimit = std::size_t{256} << 20;
  BusyPool pool({.memory_limit = kLimit});
  const auto result = pool->submit<&test::repeat>(std::string(1 << 20, 'm'), 256);
  const auto argument = pool->submit<&length>(std::string(kLimit, 'a'));  // there is no room to receive it
  FAULT_EXPECT(thrown_by<RemoteError>([&] { result.result(); }).type() == "std::bad_alloc");
  FAULT_EXPECT(thrown_by<RemoteError>([&] { argument.result(); }).type() == "std::bad_alloc");
  FAULT_EXPECT_EQ(pool->submit<&length>(std::string(10'000'000, 'a')).result(), 10'000'000U);
  FAULT_EXPECT_EQ(pool->metrics().crashed, 0U);
  pool.finish();
}

// --- descriptors ---

// All that there are, but for some.
class TakeDescriptors {
 public:
  explicit TakeDescriptors(std::size_t but_for = 0) {
    while (take()) {
    }
    while (but_for-- > 0 && !taken_.empty()) taken_.pop_back();
  }
  bool take() {
    detail::FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const bool got = static_cast<bool>(one);
    if (got) taken_.push_back(std::move(one));
    return got;
  }

 private:
  SoftLimit limit_{RLIMIT_NOFILE, 200};
  std::vector<detail::FileDescriptor> taken_;
};

POOLS_FAULT(descriptors_exhausted) {
  const CountedReports hook;
  {
    BusyPool pool;
    pid_t victim = pool->worker_pids().front();
    {
      const TakeDescriptors taken;
      ::kill(victim, SIGKILL);
      wait_until([&] { return CountedReports::so_far() > 0; });  // that it goes on with fewer
      FAULT_EXPECT(pool->worker_pids().size() <= 2);
      pool.others().await(100);
    }
    wait_until([&] { return pool->worker_pids().size() == 3; });
    pool.finish(1);
  }
}

// Whatever it is that there is no descriptor for: a clear error, or a pool that works. (That nothing is left over is seen afterwards.)
POOLS_FAULT_REPEATED(a_pool_with_few_descriptors, 1) {
  const CountedReports hook;
  bool refused = false;
  bool broken = false;
  bool worked = false;
  for (std::size_t left = 0; left < 48; ++left) {
    const TakeDescriptors taken(left);
    try {
      ProcessPool pool({.workers = 2});
      try {
        worked |= pool.submit<&test::square>(3).result() == 9;
      } catch (const BrokenPoolError& error) {
        FAULT_EXPECT(mentions(error, "cannot"));
        broken = true;
      }
      pool.shutdown();
      expect_balance(pool);
    } catch (const std::system_error& error) {
      FAULT_EXPECT(error.code().value() == EMFILE);
      refused = true;
    }
  }
  FAULT_EXPECT(refused && broken && worked);
}

// --- processes ---

// The tasks (threads and processes) of this user.
std::size_t tasks_of(uid_t user) {
  namespace fs = std::filesystem;
  std::size_t tasks = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (std::string(entry.path().filename()).find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code gone;
    std::ifstream status(entry.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("Uid:", 0) == 0 && std::strtoul(line.c_str() + 4, nullptr, 10) == user) {
        tasks += static_cast<std::size_t>(
            std::distance(fs::directory_iterator(entry.path() / "task", gone), fs::directory_iterator()));
      }
    }
  }
  return tasks;
}

POOLS_ACTOR(at_the_process_limit) {
  if (::geteuid() != 0) return kSkipped;  // root has no limit, and only root can become somebody who has
  const auto user = static_cast<uid_t>(std::stoul(arguments.at(0)));
  detail::post_to_spawner([] {});
  if (::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0) return kSkipped;
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const CountedReports hook;
  const auto with_room_for_two = [user] {
    // Room for a guard and two workers, once the pool's threads are there: supervisor, callbacks, output, and the bystanders'.
    std::optional<SoftLimit> limit(std::in_place, RLIMIT_NPROC, tasks_of(user) + 4 + 3);
    BusyPool pool({.workers = 6});
    FAULT_EXPECT_EQ(pool->worker_pids().size(), 2U);
    FAULT_EXPECT(CountedReports::so_far() > 0);
    pool.others().await(100);
    limit.reset();
    wait_until([&] { return pool->worker_pids().size() == 6; });
    pool.finish();
  };
  for (int attempt = 1;; ++attempt) {
    try {
      with_room_for_two();
      break;
    } catch (const std::system_error&) {
      if (attempt == 20) throw;  // a worker was there before one of the threads, which then had no room
    }
  }
  {
    ProcessPool pool(2);
    const SoftLimit limit(RLIMIT_NPROC, 1);
    const auto error = thrown_by<BrokenPoolError>([&] { pool.submit<&test::square>(3).result(); });
    FAULT_EXPECT(mentions(error, "cannot be started"));
    pool.shutdown();
    expect_balance(pool);
  }
  return 0;
}

POOLS_FAULT(process_limit_reached) { play("at_the_process_limit", {std::to_string(50'000 + ::getpid() % 10'000)}); }

// --- memfds ---

void refuse_memfds() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = sizeof program / sizeof program[0], .filter = program};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) != 0) {
    throw Skip("no seccomp filter can be installed");
  }
}

POOLS_ACTOR(without_memfds) {
  const CountedReports hook;
  BusyPool pool;
  refuse_memfds();
  ::kill(pool->worker_pids().front(), SIGKILL);
  wait_until([] { return CountedReports::so_far() > 0; });  // it goes on with fewer
  FAULT_EXPECT_EQ(pool->worker_pids().size(), 2U);
  ProcessPool none(2);
  const auto error = thrown_by<BrokenPoolError>([&] { none.submit<&test::square>(3).result(); });
  FAULT_EXPECT(mentions(error, "cannot make the memory of a channel"));
  pool.others().await(100);
  pool.finish(1);
  return 0;
}

POOLS_FAULT(memfd_refused) { play("without_memfds"); }

// --- the file of the program ---

POOLS_ACTOR(without_its_file) {
  const std::string& file = arguments.at(1);
  BusyPool pool;
  if (arguments.at(0) == "deleted") {
    std::filesystem::remove(file);
  } else {
    const std::string other = file + ".new";
    std::ofstream(other) << "#!/bin/sh\nexit 1\n";
    std::filesystem::permissions(other, std::filesystem::perms::owner_all);
    std::filesystem::rename(other, file);
  }
  std::uint64_t kills = 0;
  for (int round = 0; round < 3; ++round) {
    pool->start_all();
    for (const pid_t pid : pool->worker_pids()) kills += ::kill(pid, SIGKILL) == 0;
    pool.others().await(50);  // by new workers, of the program that this one is
  }
  pool.finish(kills);
  return 0;
}

void run_without_file(const std::string& fate) {
  const test::TemporaryDirectory directory;
  const std::string file = directory.file("driver");
  std::filesystem::copy_file("/proc/self/exe", file);
  std::string words[] = {file, kActorArgument, "without_its_file", fate, file};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
  pid_t pid = -1;
  if (const int error = ::posix_spawn(&pid, file.c_str(), nullptr, nullptr, argv, environ); error != 0) {
    throw std::system_error(error, std::generic_category(), file);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) FAULT_EXPECT(errno == EINTR);
  FAULT_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

POOLS_FAULT(executable_deleted) { run_without_file("deleted"); }
POOLS_FAULT(executable_replaced) { run_without_file("replaced"); }

}  // namespace
}  // namespace pools::faults
