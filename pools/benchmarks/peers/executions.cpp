#include "pools/benchmarks/peers/executions.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace pools::benchmarks {
namespace detail {
namespace {

struct Threads {
  std::mutex mutex;
  std::vector<ThreadExecutions*> alive;
  Executions gone;  // counted by threads that have ended, or in a role that they have given up
};

// Never destroyed: threads may end after the static objects have.
Threads& threads() {
  static Threads& all = *new Threads;
  return all;
}

std::int64_t& of_role(Executions& executions, bool producer) {
  return producer ? executions.by_producers : executions.by_workers;
}

}  // namespace

ThreadExecutions::ThreadExecutions() {
  const std::lock_guard lock(threads().mutex);
  threads().alive.push_back(this);
}

ThreadExecutions::~ThreadExecutions() {
  const std::lock_guard lock(threads().mutex);
  of_role(threads().gone, producer_) += tasks_.load(std::memory_order_relaxed);
  std::erase(threads().alive, this);
}

void ThreadExecutions::become(bool producer) {
  const std::lock_guard lock(threads().mutex);
  // Both under the mutex that a reader holds: no count is seen twice or not at all.
  of_role(threads().gone, producer_) += tasks_.load(std::memory_order_relaxed);
  tasks_.store(0, std::memory_order_relaxed);
  producer_ = producer;
}

Executions executions_now() {
  const std::lock_guard lock(threads().mutex);
  Executions sum = threads().gone;
  // Acquire: pairs with the release of count().
  for (const ThreadExecutions* thread : threads().alive) {
    of_role(sum, thread->producer_) += thread->tasks_.load(std::memory_order_acquire);
  }
  return sum;
}

}  // namespace detail

void wait_for_executions(const Executions& before, std::int64_t tasks) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  while ((executions() - before).all() < tasks) {
    std::this_thread::sleep_for(std::max<Clock::duration>(std::chrono::microseconds(50), (Clock::now() - begin) / 200));
  }
}

}  // namespace pools::benchmarks
