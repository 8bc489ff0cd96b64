#pragma once

// Who is given what: tasks from the backlog to workers, what is taken back from them, and workers that are told to go.
//
// Invariants: a worker idles only while the queue is empty or the pool is paused. A worker is given several tasks at a time only while
// tasks are short, and what it has not begun is pending, cancellable, and taken back in order as soon as it gets stuck.

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

// On the supervisor.
class Supply {
 public:
  Supply(ProcessPoolState& pool, WorkerStarter& starter) noexcept : pool_(pool), starter_(starter) {}
  Supply(const Supply&) = delete;
  Supply& operator=(const Supply&) = delete;

  // Gives the worker what it may be given, or makes it idle, or tells it to go. True if there is something to ring for. Throws WireError,
  // std::exception: the worker is to be condemned.
  bool supply(const WorkerRef& worker) EXCLUDES(pool_.mutex);
  void supply_idle() noexcept EXCLUDES(pool_.mutex);
  // After a permit of a concurrency group came back, and the worker that had it was supplied: others may have something to do now.
  void permit_came_back() noexcept EXCLUDES(pool_.mutex);
  // Takes back what lies with workers that are stuck. True: it has to be called again soon.
  bool rebalance() noexcept EXCLUDES(pool_.mutex);
  void stop_idle_workers() noexcept EXCLUDES(pool_.mutex);
  // After something has changed, of workers, tasks or their numbers: starts, gives and tells to go what there is reason for.
  void adjust() noexcept EXCLUDES(pool_.mutex);

  // Of which what goes along could not be sent to a worker.
  void end_refused() noexcept EXCLUDES(pool_.mutex);

  void condemn(WorkerProcess& worker, const char* violation) noexcept EXCLUDES(pool_.mutex);

 private:
  bool may_give(const WorkerProcess& worker) const noexcept REQUIRES(pool_.mutex);
  void dismiss(WorkerProcess& worker) noexcept REQUIRES(pool_.mutex);  // tells it to go; ring() then
  bool over_memory(const WorkerProcess& worker) const noexcept;
  void end_in_quarantine(RemoteTask& task) noexcept;

  ProcessPoolState& pool_;
  WorkerStarter& starter_;
};

}  // namespace pools::detail
