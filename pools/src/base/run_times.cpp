#include "pools/src/base/run_times.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <ctime>

namespace pools::detail {
namespace {

bool read_clock(clockid_t clock, std::chrono::nanoseconds& time) noexcept {
  timespec now{};
  if (::clock_gettime(clock, &now) != 0) return false;
  time = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
  return true;
}

// The second of "computed delayed slices": sched_info.run_delay, in ns.
std::chrono::nanoseconds delay_in(const char* path) noexcept {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 96> text{};
  const ssize_t length = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  std::int64_t delayed = 0;
  if (length <= 0 || std::sscanf(text.data(), "%*u %" SCNd64, &delayed) != 1) return {};
  return std::chrono::nanoseconds(delayed);
}

}  // namespace

bool run_times_of_thread(pid_t thread, RunTimes& times) noexcept {
  // As pthread_getcpuclockid() makes it of a thread's number: the kernel's CPUCLOCK_PERTHREAD | CPUCLOCK_SCHED.
  const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | 6U);
  if (!read_clock(clock, times.computed)) return false;
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/self/task/%d/schedstat", static_cast<int>(thread));
  times.delayed = delay_in(path.data());
  return true;
}

bool run_times_of_process(pid_t process, RunTimes& times) noexcept {
  clockid_t clock{};
  if (::clock_getcpuclockid(process, &clock) != 0 || !read_clock(clock, times.computed)) return false;
  std::array<char, 64> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/schedstat", static_cast<int>(process));
  times.delayed = delay_in(path.data());
  return true;
}

}  // namespace pools::detail
