#pragma once

// Which task waits for which: what a wait has to look at that could close a cycle. Only tasks that run on a thread pool and block
// without a timeout are on record, one entry each in one process-wide table: a task waits for one future at a time.

#include "pools/future_state.h"

namespace pools::detail {

// On record for the object's life.
class WaitEdge {
 public:
  enum class OnCycle { refuse, ignore };

  // `waiter` null: nothing is recorded. Throws DeadlockError if it would close a cycle and OnCycle says so; std::bad_alloc.
  WaitEdge(const FutureState* waiter, const FutureState& awaited, OnCycle on_cycle);
  ~WaitEdge();
  WaitEdge(const WaitEdge&) = delete;
  WaitEdge& operator=(const WaitEdge&) = delete;

 private:
  const FutureState* const waiter_;
  const FutureState* before_ = nullptr;   // what it waited for: it helps there, and waits in a callback of what it has helped
};

}  // namespace pools::detail
