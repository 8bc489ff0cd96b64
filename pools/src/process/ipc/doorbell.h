#pragma once

// How a process that has found nothing to do goes to sleep and is woken by the other side of a channel, without a system call as
// long as both are awake.
//
// The protocol, the same in both directions. The sleeper: (1) sets its flag, (2) looks once more, (3) sleeps only if it found
// nothing. The ringer: (1) publishes its change, (2) reads the flag, (3) if it was set, clears it and wakes. All four accesses
// are sequentially consistent, so at least one side sees the other's: either the sleeper finds the change, or the ringer finds
// the sleeper. Step (3) of the sleeper does not lose a wake-up that comes between (2) and (3): the futex sleeps only while the
// word still holds what the sleeper set, and the event descriptor keeps the event.

#include <atomic>
#include <cstdint>

#include "pools/src/base/backoff.h"

namespace pools::detail {

using SleepFlag = std::atomic<std::uint32_t>;
static_assert(SleepFlag::is_always_lock_free && sizeof(SleepFlag) == 4, "shared between processes, and a futex");

// What a SleepFlag says: awake; asleep until the other side has written something; asleep until it has written or read something,
// for a side that has more to write than there was room for.
inline constexpr std::uint32_t kAwake = 0, kAsleepForData = 1, kAsleepForRoom = 2;
// What the ringer has done.
inline constexpr std::uint32_t kHasWritten = kAsleepForData, kHasRead = kAsleepForRoom;

// Sleeps while `flag` holds `value`; may return early. Across processes.
void futex_sleep(const SleepFlag& flag, std::uint32_t value) noexcept;
// Wakes the process that sleeps, or is about to sleep, on `flag`, if there is one that cares for what was done. Any thread.
void futex_ring(SleepFlag& flag, std::uint32_t done) noexcept;
// Likewise for one that waits for an event descriptor; without the descriptor this process ends.
void event_ring(SleepFlag& flag, std::uint32_t done, int event_fd) noexcept;

// Returns when ready() holds. For one thread; ready() reads what the ringer published, sequentially consistent.
template <class Ready>
void futex_await(SleepFlag& flag, std::uint32_t sleep, Ready ready) {
  Backoff backoff;
  do {
    if (ready()) return;
  } while (backoff.yield_once());
  for (;;) {
    flag.store(sleep, std::memory_order_seq_cst);
    if (ready()) break;
    futex_sleep(flag, sleep);
  }
  // Relaxed: only saves the ringer a system call; one that is on its way already finds nobody asleep.
  flag.store(kAwake, std::memory_order_relaxed);
}

}  // namespace pools::detail
