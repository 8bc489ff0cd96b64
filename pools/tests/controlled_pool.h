#pragma once

// Pools of either kind with options, and pools whose only worker stands at a gate.

#include <gtest/gtest.h>

#include <chrono>
#include <type_traits>
#include <utility>

#include "pools/future.h"
#include "pools/process_pool.h"
#include "pools/tests/gate.h"
#include "pools/thread_pool.h"

namespace pools::test {

template <class Pool>
using OptionsOf = std::conditional_t<std::is_same_v<Pool, ThreadPool>, ThreadPoolOptions, ProcessPoolOptions>;

template <class Pool>
OptionsOf<Pool> options_for(int workers, QueueOptions queue = {}) {
  OptionsOf<Pool> options;
  options.workers = workers;
  options.queue = queue;
  return options;
}

template <class Pool>
void expect_balance(const Pool& pool) {
  const PoolMetrics m = pool.metrics();
  EXPECT_EQ(m.submitted, m.queued + m.running + m.done + m.failed + m.cancelled);
}

// Returns when every start_by of the pool that lies up to `time` ahead has come: a task with one of its own is the witness. REQUIRES: no
// worker is free to begin it.
template <class Pool>
void await_start_by(Pool& pool, std::chrono::nanoseconds time) {
  const Future<int> witness = pool.with({.start_by = time}).template submit<&identity>(0);
  EXPECT_THROW(witness.result(), CancelledError);
}

// A pool with options whose only worker stands at a gate.
template <class Pool>
struct ControlledPool {
  explicit ControlledPool(OptionsOf<Pool> options = {}) : pool(one_worker(std::move(options))) {
    blocker = pool.template submit<&pass_and_return>(gate.name(), 0);
    gate.await();
  }
  static OptionsOf<Pool> one_worker(OptionsOf<Pool> options) {
    options.workers = 1;
    return options;
  }
  Gate gate;
  Pool pool;
  Future<int> blocker;
  struct Opener {
    Gate& gate;
    ~Opener() { gate.open(); }
  } opener{gate};  // last: the pool's destructor waits for its tasks
};

}  // namespace pools::test
