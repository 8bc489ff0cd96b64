#pragma once

// The tasks of a process pool that no worker has: those that wait in the queue for one, and those that wait out the back-off of a retry.
//
// Who has a task is one question with four answers, since four parties ask it, each of what it can reach:
//
//   where it is                    RemoteTask::place   future's state        worker's Given     claim board
//   not submitted yet              unsubmitted         pending               -                  -
//   in the queue                   waiting             pending               -                  -
//   in a worker's ring             elsewhere           pending, offered      task               offered
//   at work in a worker            elsewhere           pending, offered      task               begun
//   waits out a back-off           retrying            pending               -                  -
//   taken back from a worker       waiting             pending               taken_back         taken back
//   cancelled in the queue         cancelled           cancelled             -                  -
//   cancelled in a worker's ring   cancelled           cancelled             task               taken back
//   being answered                 elsewhere           running, claimed      -                  -
//
// - The claim board is all that a worker shares: it decides between worker and pool, and a worker may lie there.
// - Given is the pool's own account of a worker, which no worker can write: what its answers and its death are held against.
// - The future's state decides who completes it. It knows no pool, and is on the path of every task of a thread pool.
// - The place decides who gives a place of the bounded queue back, popper or canceller, and whether a cancellation counts. It cannot be read
//   off the state: a canceller is done with the state before it tells the pool, and a popper may come in between; and popped is not the same as
//   begun. Nor off the others: a canceller must not take the pool's mutex, under which they are, since it holds a lock that a holder of the
//   mutex may wait for.
//
// Only this file changes a place, and each change is an exchange of that one word, so that each has one winner.
//
// Invariant: QueueRoom::cancelled() is the number of tasks in the queue whose place is `cancelled`, but for what a canceller is about to add.
//
// Concurrency groups. A task of a group has a permit from when it is taken out for a worker (pop(), enter()) until that worker has it no more:
// it has answered, or died, or it was taken back, or never came to have it. give_permit_back() is called under the mutex in the same step, and
// does so once: whether a task has a permit is known to itself. What comes first in the queue and finds its group full is passed over, and
// waits there; it goes before what is left in the queue by its number. So `empty` means that no task may be given. Whoever gives a permit
// back sees to it that idle workers are supplied. A task of a group travels alone (supply.cpp): none lies in the ring of a worker that is at
// another one. A task that waits out a back-off has no permit.
//
// Memory: tasks are linked by themselves; nothing here allocates, so that a task is never lost for want of memory.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pools/detail/remote_task.h"
#include "pools/metrics.h"
#include "pools/options.h"
#include "pools/src/base/task_groups.h"
#include "pools/src/process/queue_room.h"
#include "pools/src/process/task_events.h"
#include "pools/src/process/task_queue.h"

namespace pools::detail {

struct RemoteGroup : GroupPermits {
  using GroupPermits::GroupPermits;
  TaskQueue passed_over;
};

// Not thread-safe, but for cancelled(): guarded by the pool's mutex.
class Backlog {
 public:
  using Clock = std::chrono::steady_clock;

  // limit: of tasks in the queue; 0: none.
  Backlog(std::size_t limit, QueueRoom& room, TaskEvents& events, const std::vector<ConcurrencyGroup>& groups = {})
      : limit_(limit), room_(room), events_(events), groups_(groups) {}
  Backlog(const Backlog&) = delete;
  Backlog& operator=(const Backlog&) = delete;

  // --- the queue ---
  bool empty() noexcept { return first() == nullptr; }  // of what may be given
  std::size_t size() const noexcept;                    // of that, at most
  bool nothing_left() const noexcept { return queue_.empty() && passed_over_ == 0 && retries_.empty(); }
  // Makes a task that is not submitted one of the pool's, and numbers it; push() follows if it is to wait for a worker. (Straight to a worker it never
  // waits, and has no place in the queue that a canceller could give back.) False: it was cancelled.
  bool enter(RemoteTask& task, bool waits) noexcept {
    using Place = RemoteTask::Place;
    Place unsubmitted = Place::unsubmitted;
    // Acq_rel: note_cancelled() of another thread reads what was done before, or this sees that it came first.
    if (!task.place.compare_exchange_strong(unsubmitted, waits ? Place::waiting : Place::elsewhere, std::memory_order_acq_rel)) {
      return false;
    }
    task.number = submitted_++;
    if (!waits) take_permit(task);
    return true;
  }
  void push(TaskRef task) noexcept;
  RemoteTask& front() noexcept { return first()->front(); }  // REQUIRES: not empty. May be cancelled
  TaskRef pop() noexcept;                                    // the next to be given; null if there is none. Drops cancelled ones
  void put_back(TaskRef task) noexcept;                      // one that was popped, in its order; or drops it

  // --- concurrency groups ---
  bool has_permit_for(const RemoteTask& task) const noexcept { return task.group() == nullptr || !task.group()->full(); }
  // Of a task that a worker has no more, or never came to have. True if it had one: another may go on.
  bool give_permit_back(RemoteTask& task) noexcept;
  const TaskGroups<RemoteGroup>& groups() const noexcept { return groups_; }  // any thread: to find one in
  // A worker has nothing to do: submitters whose tasks would find only others of full groups in the queue look again.
  void worker_idles() noexcept {
    if (passed_over_ > 0 && blocked_submitters_ > 0) room_.made();
  }

  // --- the bound ---
  std::uint64_t waiting() const noexcept;  // in the queue, but for cancelled ones
  bool has_room() const noexcept { return waiting() < limit_; }
  std::size_t limit() const noexcept { return limit_; }
  // Around the wait of a submitter that found no room: while there is one, pop() says that there is.
  void submitter_blocks() noexcept { ++blocked_submitters_; }
  void submitter_goes_on() noexcept { --blocked_submitters_; }

  // --- retries ---
  // Of one that is offered still, and is being answered; that ends with it. False: it is cancelled, and the caller's still.
  bool retry_at(TaskRef& task, Clock::time_point due) noexcept;
  // Puts back those whose time has come. True if there was one.
  bool requeue_due(Clock::time_point now) noexcept;
  void drop_cancelled_retries() noexcept;
  template <class Use>
  void for_each_retry(Use use) const {  // use(const RemoteTask&)
    retries_.for_each(use);
  }

  // Everything, for the end: the queue in its order, then the retries.
  TaskList take_all() noexcept;

  // Any thread, without the mutex: where the task was when it was cancelled, once. `waiting`: QueueRoom::cancelled_in_queue() follows.
  static RemoteTask::Place cancelled(RemoteTask& task) noexcept {
    return task.place.exchange(RemoteTask::Place::cancelled, std::memory_order_acq_rel);
  }

  // What was submitted and retried, and how many of the unfinished run and wait. REQUIRES: `metrics` has what has ended. `busy`: tasks that somebody
  // is at; one that was cancelled a moment ago may be among them still.
  void add_counts_to(PoolMetrics& metrics, std::uint64_t busy) const noexcept {
    metrics.submitted = submitted_;
    metrics.retried = retried_;
    const std::uint64_t unfinished = metrics.submitted - metrics.done - metrics.failed - metrics.cancelled;
    metrics.running = std::min(busy, unfinished);
    metrics.queued = unfinished - metrics.running;
  }

 private:
  // The queue whose first task is the next to be given, or null; `any`: whether or not it may be given.
  TaskQueue* first(bool any = false) noexcept {
    if (groups_.empty()) [[likely]]
      return queue_.empty() ? nullptr : &queue_;
    return first_of_groups(any);
  }
  TaskQueue* first_of_groups(bool any) noexcept;
  TaskRef take_from(TaskQueue& queue) noexcept;  // null: it was cancelled
  void take_permit(RemoteTask& task) noexcept;

  const std::size_t limit_;
  QueueRoom& room_;
  TaskEvents& events_;
  TaskQueue queue_;
  TaskList retries_;  // not many
  const TaskGroups<RemoteGroup> groups_;
  std::size_t passed_over_ = 0;  // tasks that are with their groups
  int blocked_submitters_ = 0;
  std::uint64_t submitted_ = 0;
  std::uint64_t retried_ = 0;
};

}  // namespace pools::detail
