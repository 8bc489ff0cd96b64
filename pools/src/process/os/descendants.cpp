#include "pools/src/process/os/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <system_error>

#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {
namespace {

// 62: no limit that anybody sets. 61..16: the pool. 15..0: the worker, 0 for the pool itself.
constexpr std::uint64_t kMarked = std::uint64_t{1} << 62;
constexpr std::uint64_t kWorkers = 0xffff;

constexpr int kMostPasses = 100;

// The soft limit of file locks of a process; 0 if there is none of that number or it may not be read.
std::uint64_t limit_of(pid_t pid) noexcept {
  rlimit limit{};
  return ::prlimit(pid, RLIMIT_LOCKS, nullptr, &limit) == 0 ? limit.rlim_cur : 0;
}

// The number of a process that an entry of /proc is for; -1: it is for something else.
pid_t process_of(const char* name) noexcept {
  pid_t pid = -1;
  const char* const end = name + std::strlen(name);
  const auto [stopped, error] = std::from_chars(name, end, pid);
  return error == std::errc() && stopped == end ? pid : -1;
}

// Every process that there was all the while, in the order of their numbers. False if that could not be seen. Allocates nothing: a
// worker may have died of a want of memory.
template <class Use>
bool for_each_process(Use&& use) noexcept {
  const FileDescriptor proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!proc) return false;
  alignas(dirent64) std::array<std::byte, 8192> entries;
  for (;;) {
    const ssize_t got = ::getdents64(proc.get(), entries.data(), entries.size());
    if (got <= 0) return got == 0;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      const auto* const entry = reinterpret_cast<const dirent64*>(entries.data() + at);
      at += entry->d_reclen;
      if (const pid_t pid = process_of(entry->d_name); pid > 0) use(pid);
    }
  }
}

// A living process that bears the mark, held. The mark is read again once the pidfd is there: if the number has become another process's
// in between, it was that of the pidfd that died, and no signal will reach anybody.
FileDescriptor hold(pid_t pid, DescendantMark mark) noexcept {
  FileDescriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd || mark.covers(limit_of(pid))) return pidfd;
  errno = ESRCH;
  return FileDescriptor();
}

bool is_dead(const FileDescriptor& pidfd) noexcept {
  pollfd death{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&death, 1, 0) > 0;
}

bool send(const FileDescriptor& pidfd, int signal) noexcept {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

// The last processes that were killed, which may not have come to their end yet. If there are more, some are killed once more.
class Killed {
 public:
  bool knows(pid_t pid) const noexcept { return std::find(pids_.begin(), pids_.end(), pid) != pids_.end(); }
  void add(pid_t pid) noexcept { pids_[next_++ % pids_.size()] = pid; }

 private:
  std::array<pid_t, 256> pids_{};
  std::size_t next_ = 0;
};

}  // namespace

DescendantMark DescendantMark::of_a_new_pool() {
  std::uint64_t value = 0;
  if (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
    throw std::system_error(errno, std::generic_category(), "cannot draw the mark of a process pool");
  }
  return DescendantMark((value & (kMarked - 1) & ~kWorkers) | kMarked);
}

DescendantMark DescendantMark::of_worker(std::uint64_t start) const noexcept {
  return DescendantMark(value_ | (start % kWorkers + 1));
}

bool DescendantMark::covers(std::uint64_t limit) const noexcept {
  if (value_ == 0 || limit == RLIM_INFINITY) return false;
  return limit == value_ || ((value_ & kWorkers) == 0 && (limit & ~kWorkers) == value_);
}

void bear(DescendantMark mark) noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_LOCKS, &limit) != 0) return;
  limit.rlim_cur = mark ? mark.value() : limit.rlim_max;
  ::setrlimit(RLIMIT_LOCKS, &limit);  // refused where the hard limit is lower
}

void signal_descendants(DescendantMark mark, int signal, pid_t except) noexcept {
  for_each_process([&](pid_t pid) {
    if (!mark.covers(limit_of(pid)) || ::getpgid(pid) == except) return;
    if (const FileDescriptor pidfd = hold(pid, mark)) send(pidfd, signal);
  });
}

bool kill_descendants(DescendantMark mark) noexcept {
  // From the moment that it is sent SIGKILL a process starts no other, and whoever bears the mark was started by somebody who bore it. So
  // a pass that meets nobody new is the last: who was there when it began is dead or as good as dead, and what those had started has higher
  // numbers, which come later. (Only while the numbers wrap around can one slip through whose parent ends before it is met.)
  Killed killed;
  for (int pass = 0; pass < kMostPasses; ++pass) {
    bool somebody_new = false;
    bool all_killed = true;
    const bool seen = for_each_process([&](pid_t pid) {
      if (!mark.covers(limit_of(pid)) || killed.knows(pid)) return;
      const FileDescriptor pidfd = hold(pid, mark);
      if (pidfd && is_dead(pidfd)) return;  // a zombie
      if (pidfd && send(pidfd, SIGKILL)) {
        killed.add(pid);
        somebody_new = true;
      } else if (errno != ESRCH) {
        all_killed = false;
      }
    });
    if (!seen) return false;
    if (!somebody_new) return all_killed;
  }
  return false;
}

}  // namespace pools::detail
