#pragma once

// For how long a worker of a thread pool has been with tasks.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace pools::detail {

// Written by the worker's thread alone, read by any.
class WorkClock {
 public:
  using Clock = std::chrono::steady_clock;

  void belongs_to(pid_t thread) noexcept { thread_.store(thread, std::memory_order_relaxed); }
  pid_t thread() const noexcept { return thread_.load(std::memory_order_relaxed); }  // 0: none

  // A task begins; ends.
  void begin(Clock::time_point now) noexcept {
    // Sequentially consistent: see Sizer.
    word_.store(word_.load(std::memory_order_relaxed) - now.time_since_epoch().count(), std::memory_order_seq_cst);
  }
  void end(Clock::time_point now) noexcept {
    // Relaxed: nothing is told by it but itself.
    word_.store(word_.load(std::memory_order_relaxed) + now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  bool runs() const noexcept { return word_.load(std::memory_order_seq_cst) < 0; }
  // In all.
  std::chrono::nanoseconds busy(Clock::time_point now) const noexcept {
    const std::int64_t word = word_.load(std::memory_order_relaxed);
    return std::chrono::nanoseconds(word < 0 ? word + now.time_since_epoch().count() : word);
  }

 private:
  // Relaxed: guards nothing.
  std::atomic<pid_t> thread_{0};
  // Invariant: between two tasks, for how long it has been with tasks, in ns; while it is with one, the same less the time at which it began that.
  // The clock began before the worker did, and so what is less is below 0: one word says both, and is never half changed.
  std::atomic<std::int64_t> word_{0};
};

}  // namespace pools::detail
