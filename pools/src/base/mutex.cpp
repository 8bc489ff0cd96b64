#include "pools/src/base/mutex.h"

#include "pools/src/base/backoff.h"

namespace pools::detail {

void AdaptiveMutex::lock_slowly() noexcept {
  // The holder is most likely running on another core and done within 100 ns.
  constexpr int kGlances = 20;
  Backoff backoff;
  for (int glance = 0; glance < kGlances || backoff.yield_once(); ++glance) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    // Acquire here and below: as in lock().
    if (word == kFree && word_.compare_exchange_weak(word, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
  }
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) futex_wait(word_, kContended);
}

}  // namespace pools::detail
