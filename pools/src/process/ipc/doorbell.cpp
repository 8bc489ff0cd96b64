#include "pools/src/process/ipc/doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

namespace pools::detail {
namespace {

long shared_futex(const SleepFlag& flag, int operation, std::uint32_t value) noexcept {
  return ::syscall(SYS_futex, reinterpret_cast<const std::uint32_t*>(&flag), operation, value, nullptr, nullptr, 0);
}

// True if somebody was asleep; then this call owes the wake-up.
bool take_sleeper(SleepFlag& flag, std::uint32_t done) noexcept {
  return flag.load(std::memory_order_seq_cst) >= done && flag.exchange(kAwake, std::memory_order_seq_cst) != kAwake;
}

}  // namespace

void futex_sleep(const SleepFlag& flag, std::uint32_t value) noexcept { shared_futex(flag, FUTEX_WAIT, value); }

void futex_ring(SleepFlag& flag, std::uint32_t done) noexcept {
  if (take_sleeper(flag, done)) shared_futex(flag, FUTEX_WAKE, 1);
}

void event_ring(SleepFlag& flag, std::uint32_t done, int event_fd) noexcept {
  if (!take_sleeper(flag, done)) return;
  const std::uint64_t one = 1;
  // A task that has closed the descriptors of its process costs one worker; the pool must not sleep for ever.
  if (::write(event_fd, &one, sizeof one) != sizeof one) ::_exit(EXIT_FAILURE);
}

}  // namespace pools::detail
