#pragma once

// A completion queue: one thread takes from it, in the order in which they are completed, the numbers of the futures that it waits for.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {

// Shared by the waiting thread and the continuations of the futures it watches.
class CompletionQueue {
 public:
  explicit CompletionQueue(std::size_t capacity) { order_.reserve(capacity); }  // arrive() must not allocate

  void arrive(std::size_t index) noexcept;
  // next() returns kNudge once, after the arrivals before it; several nudges may be one.
  void nudge() noexcept;
  static constexpr std::size_t kNudge = static_cast<std::size_t>(-1);
  // The arrival after those that were returned before; nothing when the deadline came first. For one thread.
  std::optional<std::size_t> next(const Deadline& deadline) noexcept;

 private:
  static constexpr std::uint32_t kWaiting = 1;  // a thread sleeps, or is about to, on word_
  static constexpr std::uint32_t kArrival = 2;

  // Arrivals * kArrival + kWaiting. Invariant: it changes at every arrival, and an arrival that sees kWaiting wakes.
  std::atomic<std::uint32_t> word_{0};
  Mutex mutex_;
  std::vector<std::size_t> order_ GUARDED_BY(mutex_);
  bool nudged_ GUARDED_BY(mutex_) = false;
  std::size_t returned_ = 0;  // the waiting thread's
};

}  // namespace pools::detail
