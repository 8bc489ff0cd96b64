#pragma once

// The mutexes of this library, as clang's analysis knows them (thread_safety.h), and the scope that holds one. libstdc++ says nothing of
// std::mutex and std::lock_guard.

#include <atomic>
#include <cstdint>
#include <mutex>

#include "pools/detail/futex.h"
#include "pools/src/base/thread_safety.h"

namespace pools::detail {

// std::mutex: for sections that may take long, or are entered rarely.
class CAPABILITY("mutex") Mutex {
 public:
  constexpr Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// A mutex for critical sections of some nanoseconds: a thread that finds it held waits for a moment, then yields, and
// sleeps only when the holder seems to have lost its core.
class CAPABILITY("mutex") AdaptiveMutex {
 public:
  constexpr AdaptiveMutex() = default;
  AdaptiveMutex(const AdaptiveMutex&) = delete;
  AdaptiveMutex& operator=(const AdaptiveMutex&) = delete;

  void lock() noexcept ACQUIRE() {
    std::uint32_t word = kFree;
    // Acquire pairs with the release in unlock().
    if (!word_.compare_exchange_strong(word, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) lock_slowly();
  }
  void unlock() noexcept RELEASE() {
    // Invariant: while a thread sleeps on word_ it is kContended or about to be released by an unlock that saw kContended:
    // a sleeper stores kContended, also when it gets the mutex, since it cannot know whether others still sleep.
    if (word_.exchange(kFree, std::memory_order_release) == kContended) futex_wake_one(word_);
  }

 private:
  void lock_slowly() noexcept;

  static constexpr std::uint32_t kFree = 0, kHeld = 1, kContended = 2;
  std::atomic<std::uint32_t> word_{kFree};
};

// Holds a mutex from its construction to its end.
template <class M>
class SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(M& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  M& mutex_;
};

// The same for who has to let go of it for a while.
template <class M>
class SCOPED_CAPABILITY Relock {
 public:
  explicit Relock(M& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Relock() RELEASE() {
    if (held_) mutex_.unlock();
  }
  Relock(const Relock&) = delete;
  Relock& operator=(const Relock&) = delete;

  void lock() ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }
  void unlock() RELEASE() {
    held_ = false;
    mutex_.unlock();
  }

 private:
  M& mutex_;
  bool held_ = true;
};

}  // namespace pools::detail
