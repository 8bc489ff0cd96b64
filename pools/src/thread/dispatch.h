#pragma once

// The queue of a thread pool and the parking of its workers.
//
// Two lists under two locks: producers append to the inbox, workers take from the outbox and, when it is empty, move the
// whole inbox over. So producers and workers meet once per batch and not once per job, while jobs are still claimed one at
// a time, in the order of submission, and nothing that is claimed waits. Jobs with a priority are in a heap of their own. While
// there are any, while the pool is paused, while it is shrinking and until all workers were started, the mode says so, and then each
// claim takes both locks.
//
// Waking. A worker is running a job, searching (looking at the lists, yielding its core in between), or parked. A job can be
// claimed when it is queued and the pool is not paused. What has to hold is that no job that can be claimed waits while a worker is
// parked and nobody is on the way to it:
//
//     (I)  whenever neither lock is held:  a job can be claimed and a worker is parked  =>  a worker is searching
//
// idle_, searching_ and the emptiness of the inbox and the heap change only under the inbox lock, only its holder moves jobs to
// the outbox, and pausing takes both locks, so (I) is kept by each step for itself: push() makes a parked worker a searching one if there
// is none; a searching worker that claims a job stops searching and, if a job is left, makes another parked worker a searching
// one; a worker parks only while it holds both locks and no job can be claimed. pause() makes the premise false; resume() and close()
// make it true, and so do what push() does, or unpark everybody. A worker that retires is a running one, which (I) does not speak of,
// or a searching one, which hands its search over: it makes a parked worker a searching one if a job can be claimed. resize() takes
// workers off the parked ones and unparks them: they look at the lists like one that comes from a job, retired or not, and one
// that is not retired stays. Hence at most one wake-up is in flight that has not yet borne fruit, the woken worker
// wakes the next, and there is nothing to get wrong in memory orders: the mutexes have them.
//
// Concurrency groups. A job of a group can be claimed when the group has a permit, too, and with the claim its worker takes one:
//
//     (G)  no more than `limit` permits of a group are taken, and whoever runs a job of the group, but on top of another one of it that waits,
//          has one that no other job is run by
//
// What comes first in its list and cannot be claimed for want of a permit is passed over: it waits with its group. So all that is left
// in that list was submitted later, and a job that was passed over goes before it as soon as there is a permit: the order among jobs that can
// be claimed stays what it is. Whoever has a permit is a worker: it gives it back before it looks for the next job, when the last one
// and its callbacks are over (also if there was nothing to run), and is a searching one from then on; so (I) is kept. One that has run a job
// on top of a wait gives that one's permit back there, and wakes another worker like push(). All of it under both locks: while jobs of
// groups are queued the mode says so. Without them they cost a claim a look at its own worker's permit, which there is none.
// After close() workers stay while jobs of groups are queued: some may have to wait for a permit. pools/verification/groups.pml is a model.
//
// Workers that are started as they are needed. A job is queued only when somebody is there to run it:
//
//     (II)  a job is queued  =>  there is a worker
//
// So push() queues nothing for which a worker would have to be started first: its caller starts one and comes again, or, where no
// thread can be started and none is there, has kept the job and says so. A worker counts from its start on and not while it is being
// started: nobody relies on one that never comes.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "pools/detail/future_state.h"
#include "pools/detail/futex.h"
#include "pools/detail/job.h"
#include "pools/detail/runner.h"
#include "pools/detail/stack.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/pairing_heap.h"
#include "pools/src/base/task_groups.h"
#include "pools/src/future/completion_queue.h"
#include "pools/src/thread/job_events.h"

namespace pools::detail {

class ThreadWorker;

// Jobs with a priority, and those that were passed over: higher ones first, equal ones in the order of submission. All of them have extras.
struct JobOrder {
  static bool goes_before(const Job& a, const Job& b) noexcept {
    return a.extras->priority != b.extras->priority ? a.extras->priority > b.extras->priority
                                                    : a.extras->number < b.extras->number;
  }
  static Job*& next(Job& job) noexcept { return job.next; }
  static Job*& child(Job& job) noexcept { return job.extras->child; }
};

using Nudges = std::vector<std::shared_ptr<CompletionQueue>>;

struct JobGroup : GroupPermits {
  using GroupPermits::GroupPermits;
  PairingHeap<Job, JobOrder> passed_over;
  Nudges permit_waiters;  // workers that would run a job of the group on top of a wait
};

class Dispatch {
 public:
  Dispatch(int workers, JobEvents& events, const std::vector<ConcurrencyGroup>& groups)
      : events_(events), unstarted_(workers), groups_(groups) {}
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  // Appends, and wakes a worker if one must be. Refused after close(), and needs_worker: the job is still the caller's.
  // needs_worker, perhaps, unless `anyway`: start one if lacks_worker(Need::another), then push again. REQUIRES of `anyway`: there is a
  // worker, or the dispatch is closed.
  enum class Pushed { refused, needs_worker, queued };
  Pushed push(Job* job, bool anyway = false) noexcept;
  // For a job that its submitter is to run: counts it as submitted if it may start now, and as admitted() until its Runner says that
  // it has settled.
  enum class Admitted { refused, paused, admitted };
  Admitted admit(Job* job) noexcept;
  std::atomic<std::uint32_t>& admitted() noexcept { return admitted_; }

  // The next job; null when there is none and there never will be, or when there is a worker too many: end the thread. Parks. Called
  // by `self`'s thread.
  Job* next(ThreadWorker& self) noexcept;

  // No push from now on; parked workers come back to see the rest done. Ends a pause.
  void close() noexcept;
  // The same, and in the same step takes everything that no worker has claimed, chained by `next`: nothing that a pause held back starts
  // in between.
  [[nodiscard]] Job* close_and_take_all() noexcept;
  // Acquire: why it was closed is visible.
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  // Nothing is claimed or admitted from its return on until resume() or close(); what was before may not have settled yet. Without
  // effect after close().
  void pause() noexcept;
  void await_admitted_settled() const noexcept;
  void resume() noexcept;
  bool paused() const noexcept { return (mode() & kPaused) != 0; }
  // Calls waiter->nudge() once when the pause ends. False: it is not paused.
  bool notify_on_resume(std::shared_ptr<CompletionQueue> waiter);

  // Jobs accepted so far. Acquire, like the counts of their ends (job_events.h).
  std::uint64_t submitted() const noexcept { return submitted_.load(std::memory_order_acquire); }

  const TaskGroups<JobGroup>& groups() const noexcept NOT_ANALYSED { return groups_; }  // to find one in
  void add_groups_to(PoolMetrics& metrics) const;

  // --- workers are started as they are needed; not by two threads at once ---
  enum class Need {
    queued,   // more jobs are queued than workers are available for, also after close()
    another,  // there would be, with one more
    all,      // as many as were asked for
  };
  // True: start one, then say worker_started(). False: all are, or it is not needed; but for Need::queued also after close().
  bool lacks_worker(Need need) const noexcept;
  void worker_started() noexcept;  // once no worker is left to be started nobody counts
  bool counting() const noexcept { return (mode() & kCounting) != 0; }

  // --- resizing; not by two threads at once, nor while a worker is being started ---
  void grow(int by) noexcept;     // then start those that are lacking, at once all of them unless counting()
  void shrink(int by) noexcept;   // workers that are not busy end at once, others after their job
  int drop_unstarted() noexcept;  // those that were never started will not be: how many

 private:
  friend class Runner;
  friend class ThreadWorker;

  struct List {
    Job* first() const noexcept { return first_.load(std::memory_order_relaxed); }
    bool empty() const noexcept { return first() == nullptr; }
    void append(Job* job) noexcept;
    void append_all(List& from) noexcept;
    Job* pop() noexcept;
    Job* take_all() noexcept;

   private:
    // Atomic only so that a searching worker may glance at it without the lock. Relaxed: what it saw decides nothing.
    std::atomic<Job*> first_{nullptr};
    Job* last_ = nullptr;  // undefined when empty
  };

  // Reasons for every claim to take both locks.
  static constexpr unsigned kCounting = Runner::kCounting;  // workers are left to be started
  static constexpr unsigned kRanked = 2;                    // the heap is not empty
  static constexpr unsigned kPaused = 4;
  static constexpr unsigned kShrinking = 8;  // excess_ > 0
  static constexpr unsigned kGrouped = 16;   // grouped_ > 0

  unsigned mode() const noexcept { return mode_.load(std::memory_order_relaxed); }
  void set_mode_locked(unsigned bit, bool on) noexcept REQUIRES(outbox_mutex_, inbox_mutex_) {
    mode_.store(on ? mode() | bit : mode() & ~bit, std::memory_order_relaxed);
    inbox_mode_ = mode();
  }
  // As mode(): from the producers' cache line.
  bool inbox_counting() const noexcept REQUIRES(inbox_mutex_) { return (inbox_mode_ & kCounting) != 0; }
  bool inbox_paused() const noexcept REQUIRES(inbox_mutex_) { return (inbox_mode_ & kPaused) != 0; }
  void accept_locked(Job* job) noexcept REQUIRES(inbox_mutex_);
  void queued_locked(ThreadWorker*& wake, bool may_run = true) noexcept REQUIRES(inbox_mutex_);
  Pushed push_otherwise(Job* job, bool anyway) noexcept;  // one with a priority, or of a group
  // With `more` jobs than there are.
  bool short_of_workers_locked(int more) const noexcept REQUIRES(inbox_mutex_) {
    return inbox_counting() && unstarted_ > 0 && unclaimed_ + more > available_;
  }
  bool nothing_queued_locked() const noexcept REQUIRES(outbox_mutex_, inbox_mutex_) {
    return outbox_.empty() && inbox_.empty() && ranked_.empty() && grouped_ == 0;
  }
  bool claimable_locked() noexcept REQUIRES(outbox_mutex_, inbox_mutex_) {
    if (paused()) return false;
    return (mode() & kGrouped) == 0 ? !nothing_queued_locked() : grouped_claimable_locked();
  }
  bool grouped_claimable_locked() noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  JobGroup* first_group_locked() const noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  Job* take_locked() noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  void leave_group_locked(JobGroup& group) noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  void give_back(ThreadWorker& self) noexcept;
  ThreadWorker* choose_locked() noexcept REQUIRES(inbox_mutex_);
  Job* claim_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  void retire_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  FutureState::Help begin_helping(ThreadWorker& worker, JobGroup* group, bool lends,
                                  const std::shared_ptr<CompletionQueue>& waiter);
  void end_helping(JobGroup& group) noexcept;
  void search() const noexcept NOT_ANALYSED;  // glances without a lock: what it saw decides nothing
  void make_available(ThreadWorker& self) noexcept;
  bool make_unavailable(ThreadWorker& self) noexcept;
  struct Closed {
    ThreadWorker* parked = nullptr;
    Nudges waiters;
  };
  Closed close_locked() noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  static void wake(const Closed& closed) noexcept;
  static void unpark_all(ThreadWorker* list) noexcept;

  JobEvents& events_;

  // Two sides, two lines: producers and workers disturb each other less. Lock order: outbox, then inbox.
  alignas(kCacheLine) mutable AdaptiveMutex outbox_mutex_;
  List outbox_ GUARDED_BY(outbox_mutex_);  // grows only under both locks
  // Changes only under both locks: who holds either reads what is. Relaxed: others decide nothing by it.
  std::atomic<unsigned> mode_{kCounting};

  alignas(kCacheLine) mutable AdaptiveMutex inbox_mutex_;
  unsigned inbox_mode_ GUARDED_BY(inbox_mutex_) = kCounting;  // mode_, once more
  List inbox_ GUARDED_BY(inbox_mutex_);
  ThreadWorker* idle_ GUARDED_BY(inbox_mutex_) = nullptr;  // parked or about to: the one that was last busy first
  // Workers that were chosen, or found nothing, and have neither claimed a job nor parked since.
  int searching_ GUARDED_BY(inbox_mutex_) = 0;
  std::atomic<std::uint64_t> submitted_{0};  // written under the lock
  std::atomic<bool> closed_{false};          // likewise
  int excess_ GUARDED_BY(inbox_mutex_) = 0;  // workers that are to end. > 0  =>  unstarted_ == 0
  // Only while counting(): whether a job that comes needs a worker that was not started yet. A worker is available when it will
  // take the next job without anybody's help; it becomes so *before* it publishes a result, so that who has seen the result
  // and submits again finds it available.
  int unstarted_ GUARDED_BY(inbox_mutex_);
  std::ptrdiff_t unclaimed_ GUARDED_BY(inbox_mutex_) = 0;  // jobs in the lists
  std::ptrdiff_t available_ GUARDED_BY(inbox_mutex_) = 0;

  // Raised under both locks; released by those who run the jobs, acquired by await_settled().
  std::atomic<std::uint32_t> admitted_{0};
  PairingHeap<Job, JobOrder> ranked_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_);
  // Empty unless paused.
  Nudges resume_waiters_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_);
  // What a group has changes only under both locks.
  const TaskGroups<JobGroup> groups_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_);
  std::size_t grouped_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_) = 0;  // jobs of groups in the lists, and passed over
};

// The worker, of whatever pool, whose thread this is: also where it runs a job of another pool, as a submitter of that. Null on threads that
// are none, and in a fork.
extern constinit thread_local ThreadWorker* this_worker;

// A worker's side of a Dispatch. Lives as long as the Dispatch does, since wakers touch it.
class ThreadWorker final : public Runner {
 public:
  ThreadWorker(Dispatch& dispatch, const CallbackSink& pool, JobEvents& events, Tally& tally, int number) noexcept
      : Runner(pool, events, tally, number, dispatch.mode_), dispatch_(dispatch) {}

  // After about_to_publish(): this worker will be busy after all, with callbacks. True: another must be started.
  bool busy_again() noexcept { return dispatch_.counting() && dispatch_.make_unavailable(*this); }

  // The permit by which this worker runs a job on top of a wait, for a scope; none of a job without a group, and of one whose group the worker
  // has a permit of already: the task that has it waits meanwhile.
  class HelpPermit {
   public:
    explicit HelpPermit(ThreadWorker& worker) noexcept : worker_(worker), outer_(std::exchange(worker.help_permit_, this)) {}
    ~HelpPermit() {
      worker_.help_permit_ = outer_;
      if (group_ != nullptr) worker_.dispatch_.end_helping(*group_);
    }
    HelpPermit(const HelpPermit&) = delete;
    HelpPermit& operator=(const HelpPermit&) = delete;

   private:
    friend class ThreadWorker;
    ThreadWorker& worker_;
    HelpPermit* const outer_;
    JobGroup* group_ = nullptr;
  };
  // Helping: it runs a job on top of what it is at. `none`: settled() must follow. `paused`: nothing may start; `full`: the job's
  // group has no permit, and `waiter`, unless null, is nudged when one comes back. Throws RecursionError, std::bad_alloc.
  FutureState::Help begin_helping(const Job& job, HelpPermit& permit, const std::shared_ptr<CompletionQueue>& waiter) {
    require_stack("a task that waits, and would run what it waits for, is");
    JobGroup* const group = job.group();
    const bool lends = group != nullptr && has_permit_of(*group);
    const FutureState::Help refused = dispatch_.begin_helping(*this, group, lends, waiter);
    if (refused == FutureState::Help::none && !lends) permit.group_ = group;
    return refused;
  }
  void enter_help() noexcept { ++helping_; }
  void leave_help() noexcept { --helping_; }
  Dispatch& dispatch() noexcept { return dispatch_; }

  using Runner::await_settled;

  // For the thread that is started in the place of one that has ended. REQUIRES: before it is started
  void renew() noexcept { available_ = true; }

 private:
  friend class Dispatch;
  friend class Runner;

  bool has_permit_of(const JobGroup& group) const noexcept {
    if (permit_ == &group) return true;
    for (const HelpPermit* permit = help_permit_; permit != nullptr; permit = permit->outer_) {
      if (permit->group_ == &group) return true;
    }
    return false;
  }

  Dispatch& dispatch_;
  // Its thread's: the group of which it has a permit, for the job that it has claimed, and those for what it runs on top of that.
  JobGroup* permit_ = nullptr;
  HelpPermit* help_permit_ = nullptr;
  alignas(kCacheLine) Parker parker_;  // what follows is written by others, too
  // Guarded by the inbox lock of the dispatch, by which no expression in here goes.
  ThreadWorker* next_idle_ = nullptr;
  bool searching_ = false;
  bool available_ = true;  // counted in Dispatch::available_; from its reservation on
};

// For a scope: this thread is the worker's. Not beyond it: destructors of thread_local objects run on a thread that is nobody's.
class WorkerScope {
 public:
  explicit WorkerScope(ThreadWorker& worker) noexcept : runner_(worker) { this_worker = &worker; }
  ~WorkerScope() { this_worker = nullptr; }
  WorkerScope(const WorkerScope&) = delete;
  WorkerScope& operator=(const WorkerScope&) = delete;

 private:
  const RunnerScope runner_;
};

}  // namespace pools::detail
