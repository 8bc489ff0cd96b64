#pragma once

// The thread of a pool that cancels the tasks that have not begun by the time that they were given. It starts with the first such task.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>

#include "pools/detail/future_state.h"
#include "pools/src/base/mutex.h"

namespace pools::detail {

// Thread-safe.
class DeadlineTimer {
 public:
  explicit DeadlineTimer(std::string name) : name_(std::move(name)) {}
  ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  // One that has been made but does not count yet.
  class Entry;

  // Starts the thread. Throws std::system_error, std::bad_alloc.
  Entry make(FutureState& state, std::chrono::steady_clock::time_point when);
  // From now on the state is cancelled at its time, unless it runs then (FutureState::cancel_unless_begun()) or has been forgotten; its
  // callbacks run on the thread. REQUIRES: the state is forgotten before its last reference is dropped.
  void add(Entry entry) noexcept;
  void forget(FutureState& state) noexcept;

  // Ends the thread, and waits for that but on the thread itself: there is nothing to cancel any more. Idempotent.
  void stop() noexcept;
  bool is_this_thread() const noexcept;

 private:
  using Entries = std::multimap<std::chrono::steady_clock::time_point, FutureState*>;
  using Places = std::map<const FutureState*, Entries::iterator>;

  void run();
  void changed_locked() noexcept REQUIRES(mutex_);

  const std::string name_;

  Mutex thread_mutex_;
  std::thread thread_ GUARDED_BY(thread_mutex_);

  Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);  // each state is alive as long as it is in here
  Places places_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  // The thread sleeps on it. Invariant: changes, under mutex_, whenever the thread should look earlier than it meant to. Relaxed,
  // since what it looks at is behind the mutex.
  std::atomic<std::uint32_t> changes_{0};
};

class DeadlineTimer::Entry {
 private:
  friend class DeadlineTimer;
  Entries::node_type entry_;  // made before the task is submitted, so that add() cannot fail
  Places::node_type place_;
};

}  // namespace pools::detail
