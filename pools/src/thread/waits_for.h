#pragma once

// Who waits for what: the waits without a timeout of the threads that run thread pools' jobs, in one process-wide table. From it a wait
// knows that it can never end, and a worker which task of its own pool holds up what it waits for, through tasks of other pools.
//
// A task that is not done is stuck at its innermost wait, if it is in one; a wait ends when any of what it is for is done (one for all
// of several futures waits for one after the other). So, with each wait an edge from its task to each of those that it is for:
//
//   Deadlock. A wait can never end if all tasks that can be reached from it are stuck. That comes about only by a wait that begins, and
//   then that one is reached, too: it throws DeadlockError instead.
//
//   Help. What holds a wait up are the tasks at the ends of the paths from it that have not started. A worker may run one of its own pool on
//   top of the wait, since the wait goes on after that one, or after another that is not held up. What has to hold is that no such task
//   stays where it is while a worker of its pool sleeps in a wait that it holds up (and the pool is not paused):
//
//     (H)  whenever the table is not locked: a path leads from a wait in which a worker of pool p sleeps to a task that is pending in p
//          =>  a worker of p that sleeps in, or is about to begin, a wait on this path has been nudged and has not looked since,
//              or waits for the end of a pause
//
//   Paths come about only by waits that begin. Such a wait is put on record, nudges all sleepers of other pools that now reach, through
//   it, what is pending there, and looks for tasks of its own worker's pool, all under the table's lock and before it sleeps; a sleeper that
//   was nudged looks again. A nudge is remembered (CompletionQueue). A worker that is not a sleeper yet looks when it becomes one. Who finds a
//   task tries to start it, and looks again after that: it, or whoever was faster, has ended what (H) speaks of; if the pool is paused
//   it asks to be nudged at the pause's end; if the task's concurrency group has no permit, when one comes back, and who has that is a worker that
//   looks for tasks when it gives it back, or runs this one by it (dispatch.h); if its stack runs low its wait ends with an exception, and with the wait the paths through it.
//   When a wait ends paths only go.
//
// pools/verification/waits.pml is a model of this.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "pools/detail/runner.h"
#include "pools/detail/watch.h"
#include "pools/src/future/completion_queue.h"

namespace pools::detail {

class ThreadWorker;

// On record for the object's life, which is within that of the wait: all that is waited for is alive.
class WaitRecord {
 public:
  enum class Kind {
    waits,  // for this one
    helps,  // tries to start it, and waits for it once started() was called; until then what is on record of before holds
    runs,   // it is a task that this thread is about to run and nobody else may
  };
  // By a thread that does not sleep. Throws std::bad_alloc; DeadlockError if it waits.
  WaitRecord(Runner& runner, FutureState& only, Kind kind);
  // For any of `awaited` (those left out are null), by a thread that goes to sleep at the completion queue. Throws both.
  WaitRecord(Runner& runner, std::span<const Watched> awaited, std::shared_ptr<CompletionQueue> completions);
  ~WaitRecord();
  WaitRecord(const WaitRecord&) = delete;
  WaitRecord& operator=(const WaitRecord&) = delete;

  void started() noexcept;
  ThreadWorker* worker() const noexcept { return worker_; }

  // Who is to be nudged when a permit comes back, if the task that it tries to start is of a group that has none; null: nobody.
  std::shared_ptr<CompletionQueue> permit_waiter;

  // What a sleeper found when it was put on record: a task that holds the wait up and that this thread's worker may run, or null.
  const StateRef& to_help() const noexcept { return to_help_; }

 private:
  struct Table;
  static Table& table();

  void insert_locked(Table& table);
  void remove_locked(Table& table) noexcept;
  void refuse_deadlock_locked(Table& table);
  void nudge_others_locked(Table& table) noexcept;

  const FutureState* const waiter_;  // null: nobody can wait for this
  ThreadWorker* const worker_;       // of this thread; null: none
  const Watched only_;
  const std::span<const Watched> awaited_;
  const bool may_be_helped_ = true;                     // by others
  const std::shared_ptr<CompletionQueue> completions_;  // null: no sleeper
  StateRef to_help_;
  // Guarded by the table's mutex, which nothing names that is known here.
  bool waits_ = true;
  WaitRecord* outer_ = nullptr;  // the same task's, of before: it helps there, and waits in a callback of what it has helped
  WaitRecord* next_sleeper_ = nullptr;
  WaitRecord* previous_sleeper_ = nullptr;
  WaitRecord* next_open_ = nullptr;  // of a walk
  std::uint64_t walk_ = 0;           // the last that came by
};

}  // namespace pools::detail
