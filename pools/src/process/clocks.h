#pragma once

// What the supervisor of a process pool does because time has passed: time limits, the grace of workers that do nothing, retries, starts to be
// tried again.
//
// A worker that has not begun its oldest task is stopped, or hangs, or waits for a core. What it has goes to others, who may be as slow, so
// that its patience doubles each time; it is given nothing more until it answers, and if it does not, it is ended.

#include <chrono>
#include <optional>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/circuit_breaker.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supply.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

// On the supervisor.
class Clocks {
 public:
  using Clock = std::chrono::steady_clock;

  Clocks(ProcessPoolState& pool, WorkerStarter& starter, Supply& supply, CircuitBreaker& breaker) noexcept
      : pool_(pool), starter_(starter), supply_(supply), breaker_(breaker) {}
  Clocks(const Clocks&) = delete;
  Clocks& operator=(const Clocks&) = delete;

  // Does what is due. After each wait.
  void look() EXCLUDES(pool_.mutex);
  // When look() is to be called again. Empty: nothing is due, and who changes that pokes the supervisor or arms the watch timer.
  std::optional<Clock::time_point> next_due() EXCLUDES(pool_.mutex);

 private:
  bool take_back_unbegun(Clock::time_point now) noexcept
      REQUIRES(pool_.mutex);  // and ends who stays silent. True: it has taken something back
  // While workers are busy: who of them dies next may have been killed for memory (OomLedger).
  void look_at_kills_for_memory(Clock::time_point now) noexcept;
  bool any_busy() const noexcept REQUIRES(pool_.mutex);
  void terminate(WorkerProcess& worker, WorkerProcess::KillReason kill_reason) noexcept REQUIRES(pool_.mutex);

  ProcessPoolState& pool_;
  WorkerStarter& starter_;
  Supply& supply_;
  CircuitBreaker& breaker_;
  Clock::time_point next_kills_{};  // no look at kills for memory before that
  Clock::time_point next_watch_{};  // no look at what is not begun before that
};

}  // namespace pools::detail
