#pragma once

// The permits of a bounded queue. Thread-safe.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "pools/detail/futex.h"

namespace pools::detail {

class QueuePermits {
 public:
  explicit QueuePermits(std::size_t limit) noexcept : limit_(limit) {}
  QueuePermits(const QueuePermits&) = delete;
  QueuePermits& operator=(const QueuePermits&) = delete;

  bool try_take() noexcept;
  // Also beyond the limit; those who wait then wait until the number is below it again.
  void take_anyway() noexcept { taken_.fetch_add(1, std::memory_order_relaxed); }
  void give_back() noexcept;

  // Takes one, waiting for it. False: give_up() came true. Who makes that true calls wake_all() afterwards.
  template <class GiveUp>
  bool take(GiveUp give_up) noexcept {
    if (try_take()) return true;
    // Lost wake-ups: sequentially consistent are this increment and the decrement in give_back(), the test in try_take() and
    // the reading of waiters_ in give_back(). So either the test sees the permit that was given back, or the one who gave it
    // sees a waiter, and then changes epoch_ after it was read here, and the futex does not sleep or is woken.
    waiters_.fetch_add(1, std::memory_order_seq_cst);
    bool taken = false;
    for (;;) {
      const std::uint32_t epoch = epoch_.load(std::memory_order_seq_cst);
      taken = try_take();
      if (taken || give_up()) break;
      futex_wait(epoch_, epoch);
    }
    waiters_.fetch_sub(1, std::memory_order_relaxed);  // Relaxed: a wake-up too many does no harm.
    return taken;
  }
  void wake_all() noexcept;

 private:
  const std::size_t limit_;
  std::atomic<std::size_t> taken_{0};      // by tasks that wait to be started
  std::atomic<std::uint32_t> waiters_{0};  // threads in take()
  std::atomic<std::uint32_t> epoch_{0};    // they sleep on it; it changes whenever one of them should look again
};

}  // namespace pools::detail
