#include "workloads/clock.h"

#include <sys/prctl.h>
#include <time.h>

#include <cassert>
#include <cerrno>
#include <limits>
#include <system_error>

#include "workloads/work.h"

namespace workloads {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::int64_t read_clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * kNsPerSecond + now.tv_nsec;
}

// Once per thread: what other code of the thread waits for does not get less exact by it.
void remove_timer_slack() {
  thread_local const bool removed = ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0;
  static_cast<void>(removed);
}

}  // namespace

std::int64_t monotonic_ns() { return read_clock_ns(CLOCK_MONOTONIC); }

std::int64_t thread_cpu_ns() { return read_clock_ns(CLOCK_THREAD_CPUTIME_ID); }

std::int64_t deadline_after_ns(std::int64_t wait_ns) {
  assert(wait_ns >= 0);
  const std::int64_t now = monotonic_ns();
  return wait_ns > std::numeric_limits<std::int64_t>::max() - now ? std::numeric_limits<std::int64_t>::max() : now + wait_ns;
}

void sleep_until_ns(std::int64_t deadline_ns) {
  if (monotonic_ns() >= deadline_ns) return;
  remove_timer_slack();
  const timespec deadline{.tv_sec = static_cast<time_t>(deadline_ns / kNsPerSecond),
                          .tv_nsec = static_cast<long>(deadline_ns % kNsPerSecond)};
  int error = 0;
  do {
    error = ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
  } while (error == EINTR);
  if (error != 0) throw std::system_error(error, std::generic_category(), "clock_nanosleep");
}

}  // namespace workloads
