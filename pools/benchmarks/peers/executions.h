#pragma once

// Who ran the tasks: every task of a race calls count_execution() on the thread that runs it, which costs about a nanosecond and
// shares no cache line, so that counting does not decide the race. Producers say that they are producers.
//
// Thread safety: everything here may be called from any thread.

#include <atomic>
#include <cstdint>

namespace pools::benchmarks {

// Tasks run since the program started.
struct Executions {
  std::int64_t by_workers = 0;
  std::int64_t by_producers = 0;

  std::int64_t all() const { return by_workers + by_producers; }
  friend Executions operator-(const Executions& later, const Executions& earlier) {
    return {later.by_workers - earlier.by_workers, later.by_producers - earlier.by_producers};
  }
  // 0 to 1; 0 if nothing ran.
  double producer_share() const { return all() == 0 ? 0 : static_cast<double>(by_producers) / static_cast<double>(all()); }
};

namespace detail {

// Written by its own thread only, read by all: a store is enough to count. Enters itself into a list, and leaves its count behind
// when its thread ends.
class ThreadExecutions {
 public:
  ThreadExecutions();
  ~ThreadExecutions();
  ThreadExecutions(const ThreadExecutions&) = delete;
  ThreadExecutions& operator=(const ThreadExecutions&) = delete;

  // Release: whoever sees the count sees what the tasks did.
  void count() { tasks_.store(tasks_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }
  // What was counted so far goes to the role that the thread had.
  void become(bool producer);

 private:
  friend Executions executions_now();
  alignas(64) std::atomic<std::int64_t> tasks_{0};
  bool producer_ = false;  // guarded by the list's mutex
};

inline thread_local ThreadExecutions this_thread_executions;
Executions executions_now();

}  // namespace detail

inline void count_execution() { detail::this_thread_executions.count(); }
inline Executions executions() { return detail::executions_now(); }

// The calling thread submits tasks as long as this lives: what it runs itself is counted as run by a producer.
class ProducerScope {
 public:
  ProducerScope() { detail::this_thread_executions.become(true); }
  ~ProducerScope() { detail::this_thread_executions.become(false); }
  ProducerScope(const ProducerScope&) = delete;
  ProducerScope& operator=(const ProducerScope&) = delete;
};

// Returns when `tasks` more tasks have run than `before` says. It looks again after half a percent of the time that has
// passed, at least 50 us: a waiter that is woken by the last task would need a counter that all tasks share.
void wait_for_executions(const Executions& before, std::int64_t tasks);

}  // namespace pools::benchmarks
