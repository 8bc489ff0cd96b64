#pragma once

// The kernel's futex, and what is made of it for this library to block on: a Parker, and (in src/base/mutex.h) an AdaptiveMutex.
//
// Chosen over std::condition_variable (lost wake-ups, glibc bug 25847) and std::counting_semaphore (lost wake-ups in
// libstdc++ 12): here the protocol is in plain sight, and each use states its invariant beside the word it waits on.
// All process-private.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace pools::detail {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;

// Sleeps while `word` holds `expected`. May return early; callers loop. False: the deadline has passed.
bool futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, const Deadline& deadline = {}) noexcept;

void futex_wake_one(const std::atomic<std::uint32_t>& word) noexcept;
void futex_wake_all(const std::atomic<std::uint32_t>& word) noexcept;

// now + timeout without overflow; a negative timeout counts as zero.
Deadline deadline_after(std::chrono::nanoseconds timeout) noexcept;

// Where one thread sleeps until another tells it to go on. One permit at most: unpark() before park() is not lost, two
// unparks are one.
class Parker {
 public:
  // For one thread only.
  void park() noexcept {
    std::uint32_t state = kEmpty;
    // Acquire on failure, when there is a permit: what the unparking thread wrote before unpark() is visible after park(). (On
    // success relaxed would do, but the order of a success may not be the weaker one.)
    if (state_.compare_exchange_strong(state, kParked, std::memory_order_acquire, std::memory_order_acquire)) {
      // Only unpark() changes kParked. The kernel compares the word under its own lock: either unpark() has stored the
      // permit and this does not sleep, or this sleeps first and the wake-up finds it.
      while (state_.load(std::memory_order_acquire) == kParked) futex_wait(state_, kParked);
    }
    // Relaxed: the permit is taken by the only thread that takes permits; a further unpark() before this store would be
    // merged with it in any case.
    state_.store(kEmpty, std::memory_order_relaxed);
  }
  void unpark() noexcept {
    // Release pairs with the acquire in park(). Without a sleeper no system call is made.
    if (state_.exchange(kPermit, std::memory_order_release) == kParked) futex_wake_one(state_);
  }

 private:
  static constexpr std::uint32_t kEmpty = 0, kPermit = 1, kParked = 2;
  std::atomic<std::uint32_t> state_{kEmpty};
};

}  // namespace pools::detail
