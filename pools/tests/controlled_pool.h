#pragma once

// Pools of either kind with options, pools whose only worker stands at a gate, and an observer that remembers.

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/future.h"
#include "pools/observer.h"
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
  } opener{gate};   // last: the pool's destructor waits for its tasks
};

class EventLog final : public PoolObserver {
 public:
  void submitted(std::uint64_t task) noexcept override { add("submitted", task); }
  void started(std::uint64_t task, int) noexcept override { add("started", task); }
  void finished(std::uint64_t task, int, Outcome outcome) noexcept override {
    add(outcome == Outcome::done ? "done" : outcome == Outcome::failed ? "failed" : "cancelled", task);
  }
  void worker_up(int, pid_t) noexcept override { ++up; }
  void worker_down(int, pid_t) noexcept override { ++down; }

  std::vector<std::string> of(std::uint64_t task) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> events;
    for (const auto& [event, of] : events_) {
      if (of == task) events.push_back(event);
    }
    return events;
  }
  std::atomic<int> up{0};
  std::atomic<int> down{0};

 private:
  void add(const char* event, std::uint64_t task) {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(event, task);
  }
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::uint64_t>> events_;
};

}  // namespace pools::test
