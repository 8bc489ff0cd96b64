#pragma once

// Who supervises a process pool now: its supervisor's thread or, while that sleeps, a thread that waits for an answer, which takes the answer
// itself and is woken by the worker alone (Leader/Followers: Schmidt et al., Pattern-Oriented Software Architecture 2, 2000). Whoever leads owns
// what is the supervisor's. Model: verification/leadership.pml.

#include <atomic>
#include <cstdint>

#include "pools/detail/futex.h"

namespace pools::detail {

// Invariant: the supervisor sleeps on the word only while it is kAwaited, and whoever leads then wakes it when he hands over.
class Leadership {
 public:
  // --- the supervisor's thread, which leads at first ---
  void let_go() noexcept { word_.store(kNobody, std::memory_order_release); }  // Release: pairs with the next leader's acquire
  // False: a waiting thread leads.
  bool try_resume() noexcept {
    std::uint32_t nobody = kNobody;
    return word_.compare_exchange_strong(nobody, kSupervisor, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void resume() noexcept {  // waits until nobody leads
    while (!try_resume()) {
      std::uint32_t waiter = kWaiter;
      // Relaxed: the word guards nothing but itself until this thread leads.
      word_.compare_exchange_strong(waiter, kAwaited, std::memory_order_relaxed);
      futex_wait(word_, kAwaited);
    }
  }
  // How often others have led. REQUIRES: this thread leads.
  std::uint64_t terms() const noexcept { return terms_; }

  // --- a thread that waits ---
  // False: somebody leads. Acquire: what the last leader did.
  bool try_take() noexcept {
    std::uint32_t nobody = kNobody;
    if (word_.load(std::memory_order_relaxed) != kNobody ||
        !word_.compare_exchange_strong(nobody, kWaiter, std::memory_order_acquire, std::memory_order_relaxed)) {
      return false;
    }
    ++terms_;
    return true;
  }
  void hand_over() noexcept {
    // Release: what this leader did. The pool may be gone as soon as the supervisor leads again; a wake-up of an address that is
    // no futex any more does nothing.
    if (word_.exchange(kNobody, std::memory_order_release) == kAwaited) futex_wake_one(word_);
  }

 private:
  static constexpr std::uint32_t kNobody = 0, kSupervisor = 1, kWaiter = 2,
                                 kAwaited = 3;  // kAwaited: kWaiter, and the supervisor sleeps
  std::atomic<std::uint32_t> word_{kSupervisor};
  std::uint64_t terms_ = 0;  // the leader's
};

}  // namespace pools::detail
