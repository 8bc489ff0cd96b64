#pragma once

// Room in the queue of a process pool, as those see it who do not hold the pool's mutex: cancellers, who make some, and submitters that wait
// for it.

#include <atomic>
#include <cstdint>

#include "pools/src/base/change_count.h"

namespace pools::detail {

// Thread-safe.
class QueueRoom {
 public:
  // There may be room now, or no reason to wait for it any more: whoever waits looks once more.
  void made() noexcept { changes_.changed(); }
  // By the canceller of a task that is in the queue, which takes no place there from now on; made() follows.
  void cancelled_in_queue() noexcept { cancelled_.fetch_add(1, std::memory_order_relaxed); }
  // One of these has left the queue.
  void cancelled_left() noexcept { cancelled_.fetch_sub(1, std::memory_order_relaxed); }
  // May be less than 0 for a moment: a popper can be sooner than the canceller whose task it drops.
  std::int64_t cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  // Read with the pool's mutex held, raised without it after every change that may make room: no wake-up is lost if wait() gets what was
  // seen before the look.
  std::uint32_t seen() const noexcept { return changes_.seen(); }
  void wait(std::uint32_t seen) const noexcept { changes_.wait(seen); }

 private:
  std::atomic<std::int64_t> cancelled_{0};
  ChangeCount changes_;  // blocked submitters sleep on it
};

}  // namespace pools::detail
