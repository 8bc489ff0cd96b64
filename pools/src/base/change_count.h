#pragma once

// A count of changes to sleep on: who waits for something looks, and sleeps until there has been a change since before the look.

#include <atomic>
#include <cstdint>

#include "pools/detail/futex.h"

namespace pools::detail {

// Thread-safe. A change is counted after what it is a change of, without the mutex that guards that: no wake-up is lost if wait() gets what
// was seen before the look.
class ChangeCount {
 public:
  // Whoever waits looks once more.
  void changed() noexcept {
    changes_.fetch_add(1, std::memory_order_release);  // Release: pairs with the acquire in seen()
    futex_wake_all(changes_);
  }
  std::uint32_t seen() const noexcept { return changes_.load(std::memory_order_acquire); }
  void wait(std::uint32_t seen) const noexcept { futex_wait(changes_, seen); }
  bool wait(std::uint32_t seen, const Deadline& deadline) const noexcept {
    return futex_wait(changes_, seen, deadline);
  }  // false: too late

 private:
  std::atomic<std::uint32_t> changes_{0};
};

}  // namespace pools::detail
