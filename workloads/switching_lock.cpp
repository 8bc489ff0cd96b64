#include "workloads/switching_lock.h"

#include <cassert>

namespace workloads {

void SwitchingLock::lock() {
  std::unique_lock guard(mutex_);
  take(guard);
}

void SwitchingLock::unlock() {
  std::unique_lock guard(mutex_);
  drop(guard);
}

std::uint64_t SwitchingLock::switches() {
  const std::lock_guard guard(mutex_);
  return switches_;
}

void SwitchingLock::hand_over() {
  std::unique_lock guard(mutex_);
  drop(guard);
  take(guard);
}

void SwitchingLock::take(std::unique_lock<std::mutex>& guard) {
  while (held_) {
    const std::uint64_t seen = switches_;
    const bool timed_out = dropped_.wait_for(guard, interval_) == std::cv_status::timeout;
    // Relaxed: see check().
    if (timed_out && held_ && switches_ == seen) drop_requested_.store(true, std::memory_order_relaxed);
  }
  held_ = true;
  if (last_holder_ != std::this_thread::get_id()) {
    last_holder_ = std::this_thread::get_id();
    ++switches_;
    taken_.notify_all();
  }
  // Relaxed: see check(). Waiters other than this one ask again when their interval is over.
  drop_requested_.store(false, std::memory_order_relaxed);
}

void SwitchingLock::drop(std::unique_lock<std::mutex>& guard) {
  assert(held_ && last_holder_ == std::this_thread::get_id());
  held_ = false;
  const std::uint64_t seen = switches_;
  dropped_.notify_one();
  // Relaxed: written under mutex_, which is held.
  if (drop_requested_.load(std::memory_order_relaxed)) {
    taken_.wait(guard, [&] { return switches_ != seen; });
  }
}

SwitchingLock& interpreter_lock() {
  static SwitchingLock& lock = *new SwitchingLock;
  return lock;
}

}  // namespace workloads
