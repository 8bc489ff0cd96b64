#pragma once

// What becomes of a worker that has died, and of what it had.
//
// A worker begins one task after the other, so what it had first is all that it can have begun and not answered, whatever it wrote on the
// board: that one its death may fail. What it had published counts; what it had not begun goes back to its place in the queue.

#include <optional>
#include <string>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/answers.h"
#include "pools/src/process/circuit_breaker.h"
#include "pools/src/process/death_cause.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supply.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

// On the supervisor. What it needs is reserved beforehand or linked through the tasks themselves; only words are lost when there is no
// memory for them.
class Deaths {
 public:
  Deaths(ProcessPoolState& pool, WorkerStarter& starter, Supply& supply, CircuitBreaker& breaker, Answers& answers) noexcept
      : pool_(pool), starter_(starter), supply_(supply), breaker_(breaker), answers_(answers) {}
  Deaths(const Deaths&) = delete;
  Deaths& operator=(const Deaths&) = delete;

  void reap(WorkerProcess* dead) noexcept EXCLUDES(pool_.mutex);

 private:
  struct Victim {
    TaskRef task;          // null: it died of none
    bool unbegun = false;  // it is in quarantine; the worker did not say that it had begun it
  };

  // Takes everything back, and says what it died of. What it had been given otherwise is left in `given`, to be dropped with no lock held.
  template <class Given>
  Victim take_everything(WorkerProcess& worker, Given& given) noexcept REQUIRES(pool_.mutex);
  // How a worker ended, and what is said of it.
  struct Death {
    ExitStatus status;
    WorkerDeath known;
    KillForMemory kill;  // it was killed for memory
    std::string tail;    // of its standard error
  };
  // Whether the kernel may have killed it for memory, who has died of SIGKILL (OomLedger).
  static std::optional<KillForMemory> killed_for_memory(const WorkerProcess& worker) noexcept;
  static std::string description(const WorkerProcess& worker, const Death& death, bool in_a_task);
  void end_with_death(TaskRef task, const WorkerProcess& worker, const Death& death, bool quarantined) noexcept
      EXCLUDES(pool_.mutex);
  bool retry_later(TaskRef& task) noexcept
      EXCLUDES(pool_.mutex);  // false: it is broken or cancelled, and the task the caller's still

  ProcessPoolState& pool_;
  WorkerStarter& starter_;
  Supply& supply_;
  CircuitBreaker& breaker_;
  Answers& answers_;
};

}  // namespace pools::detail
