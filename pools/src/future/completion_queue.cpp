#include "pools/src/future/completion_queue.h"

#include <utility>

namespace pools::detail {

void CompletionQueue::arrive(std::size_t index) noexcept {
  {
    const Lock lock(mutex_);
    order_.push_back(index);
  }
  // Acq_rel is not needed for the data, which the mutex orders; the read-modify-write makes the wake-up decision: either
  // the waiter's compare sees the new count and does not sleep, or this sees kWaiting and wakes it.
  if (word_.fetch_add(kArrival, std::memory_order_relaxed) & kWaiting) futex_wake_all(word_);
}

void CompletionQueue::nudge() noexcept {
  {
    const Lock lock(mutex_);
    nudged_ = true;
  }
  if (word_.fetch_add(kArrival, std::memory_order_relaxed) & kWaiting) futex_wake_all(word_);  // as in arrive()
}

std::optional<std::size_t> CompletionQueue::next(const Deadline& deadline) noexcept {
  for (bool in_time = true;;) {
    // This is the only thread that sleeps here, and it is awake: until it says otherwise nobody need wake it.
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    if (word & kWaiting) word = word_.fetch_and(~kWaiting, std::memory_order_relaxed) & ~kWaiting;
    {
      const Lock lock(mutex_);
      if (returned_ < order_.size()) return order_[returned_++];
      if (std::exchange(nudged_, false)) return kNudge;
    }
    // An arrival whose entry was not in the list above adds to the word after `word` was read.
    if (!in_time) return std::nullopt;
    if (!(word & kWaiting)) {
      if (!word_.compare_exchange_strong(word, word | kWaiting, std::memory_order_relaxed)) continue;
      word |= kWaiting;
    }
    in_time = futex_wait(word_, word, deadline);
  }
}

}  // namespace pools::detail
