#pragma once

// The lock of an interpreter that runs one thread at a time, as CPython's since 3.2 (Python/ceval_gil.h, "new GIL"): a
// thread that has waited `interval` without seeing the lock change hands asks the holder to drop it; the holder does so
// at its next check(), and then waits until another thread has taken it, for otherwise it would mostly win it back at
// once.
//
// Thread safety: all members may be called from any thread, check() and unlock() by the holder only. Not recursive.
// Threads may be blocked in it when the program exits; the object has to outlive them.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace workloads {

class SwitchingLock {
 public:
  // CPython's sys.getswitchinterval().
  static constexpr std::chrono::nanoseconds kInterval = std::chrono::milliseconds(5);

  explicit SwitchingLock(std::chrono::nanoseconds interval = kInterval) : interval_(interval) {}
  SwitchingLock(const SwitchingLock&) = delete;
  SwitchingLock& operator=(const SwitchingLock&) = delete;

  void lock();
  // If a waiter has asked for the lock, returns only when some other thread has taken it.
  void unlock();

  // Lets others in if one has asked; cheap if none has. REQUIRES: the calling thread holds the lock; so it does
  // afterwards.
  void check() {
    // Relaxed: a hint, which orders nothing; whoever acts on it takes mutex_.
    if (drop_requested_.load(std::memory_order_relaxed)) hand_over();
  }

  // Whether a waiter has asked the holder to drop the lock.
  // Relaxed: as in check().
  bool drop_requested() const { return drop_requested_.load(std::memory_order_relaxed); }
  // How often a thread took the lock that was not the one to have it before.
  std::uint64_t switches();

 private:
  void hand_over();
  void take(std::unique_lock<std::mutex>& guard);
  void drop(std::unique_lock<std::mutex>& guard);

  // Constant after construction.
  const std::chrono::nanoseconds interval_;

  // Written under mutex_, read without it by check(). Set only while a thread waits in take(): that thread takes the
  // lock in the end, which ends the wait in drop().
  std::atomic<bool> drop_requested_{false};

  std::mutex mutex_;
  std::condition_variable dropped_;
  std::condition_variable taken_;
  // Guarded by mutex_.
  bool held_ = false;
  std::thread::id last_holder_;
  std::uint64_t switches_ = 0;  // see switches()
};

// The one of this process, which gil_spin computes under. Never destroyed: threads that a program abandons at its exit
// may still hold it.
SwitchingLock& interpreter_lock();

}  // namespace workloads
