#pragma once

// How many tasks of an event loop are under way at most: a semaphore whose waiters are resumed by their completions, served first come, first served.

#include <deque>
#include <mutex>

#include "workloads/event_loop.h"

namespace harness {

// Thread safety: any thread.
//
// Invariant: while somebody waits, as many tasks are under way as may be: room that is left goes to the first that waits.
class Flight {
 public:
  // most: 0: any number.
  explicit Flight(int most) : most_(most) {}

  // True: there is room, and it is taken. False: leave() of another will hand it to `waiting`, which may be before this returns.
  bool enter(workloads::Completion& waiting) {
    if (most_ == 0) return true;
    const std::lock_guard lock(mutex_);
    if (under_way_ < most_) {
      ++under_way_;
      return true;
    }
    waiting_.push_back(&waiting);
    return false;
  }

  // At the end of a task. What waited first has its room now, and is to be posted; null: nobody waited.
  workloads::Completion* leave() {
    if (most_ == 0) return nullptr;
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --under_way_;
      return nullptr;
    }
    workloads::Completion* const first = waiting_.front();
    waiting_.pop_front();
    return first;
  }

 private:
  const int most_;
  std::mutex mutex_;
  int under_way_ = 0;                           // guarded by mutex_
  std::deque<workloads::Completion*> waiting_;  // likewise
};

}  // namespace harness
