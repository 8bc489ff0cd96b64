#pragma once

// When a process pool goes on with what it has, and when it is broken: failures in a row, of starts and of workers at work.
//
// Nothing leaves the supervisor: what goes wrong with one worker costs that worker, everything else breaks the pool. What a break needs is reserved
// beforehand or linked through the tasks themselves; only words are lost when there is no memory for them.

#include <string>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supply.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

// On the supervisor.
class CircuitBreaker {
 public:
  CircuitBreaker(ProcessPoolState& pool, WorkerStarter& starter, Supply& supply) noexcept
      : pool_(pool), starter_(starter), supply_(supply) {}
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // Starts count from zero again: one has succeeded, or some time has passed.
  void starts_count_anew() noexcept { failed_starts_ = 0; }
  // A worker could not be started, or died before it was ready: another try, fewer workers, or the end.
  void start_failed(int number, const std::string& cause) noexcept EXCLUDES(pool_.mutex);

  void task_answered() noexcept { deaths_in_row_ = 0; }
  // A worker has died of a task, perhaps. True: crash_limit have, one after the other; break_by_crashes() follows.
  bool died() noexcept { return pool_.options.crash_limit > 0 && ++deaths_in_row_ >= pool_.options.crash_limit; }
  void break_by_crashes(const std::string& last) noexcept EXCLUDES(pool_.mutex);

  // Fails everything that no worker has begun, and every submit from now on, for that cause.
  void break_pool(std::string cause) noexcept EXCLUDES(pool_.mutex);

 private:
  ProcessPoolState& pool_;
  WorkerStarter& starter_;
  Supply& supply_;
  int failed_starts_ = 0;  // in a row
  int deaths_in_row_ = 0;
  bool warned_of_starts_ = false;
};

}  // namespace pools::detail
