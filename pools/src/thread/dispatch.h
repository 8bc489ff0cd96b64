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

#include "pools/detail/futex.h"
#include "pools/detail/job.h"
#include "pools/detail/runner.h"
#include "pools/detail/stack.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/pairing_heap.h"
#include "pools/src/future/completion_queue.h"
#include "pools/src/thread/job_events.h"

namespace pools::detail {

class ThreadWorker;

class Dispatch {
 public:
  Dispatch(int workers, JobEvents& events) noexcept : events_(events), unstarted_(workers) {}
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

  unsigned mode() const noexcept { return mode_.load(std::memory_order_relaxed); }
  void set_mode_locked(unsigned bit, bool on) noexcept REQUIRES(outbox_mutex_, inbox_mutex_) {
    mode_.store(on ? mode() | bit : mode() & ~bit, std::memory_order_relaxed);
    inbox_mode_ = mode();
  }
  // As mode(): from the producers' cache line.
  bool inbox_counting() const noexcept REQUIRES(inbox_mutex_) { return (inbox_mode_ & kCounting) != 0; }
  bool inbox_paused() const noexcept REQUIRES(inbox_mutex_) { return (inbox_mode_ & kPaused) != 0; }
  void accept_locked(Job* job) noexcept REQUIRES(inbox_mutex_);
  void queued_locked(ThreadWorker*& wake) noexcept REQUIRES(inbox_mutex_);
  Pushed push_ranked(Job* job, bool anyway) noexcept;
  // With `more` jobs than there are.
  bool short_of_workers_locked(int more) const noexcept REQUIRES(inbox_mutex_) {
    return inbox_counting() && unstarted_ > 0 && unclaimed_ + more > available_;
  }
  bool nothing_queued_locked() const noexcept REQUIRES(outbox_mutex_, inbox_mutex_) {
    return outbox_.empty() && inbox_.empty() && ranked_.empty();
  }
  bool claimable_locked() const noexcept REQUIRES(outbox_mutex_, inbox_mutex_) { return !paused() && !nothing_queued_locked(); }
  ThreadWorker* choose_locked() noexcept REQUIRES(inbox_mutex_);
  Job* claim_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  void retire_locked(ThreadWorker& self, ThreadWorker*& wake) noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  bool begin_helping(ThreadWorker& worker) noexcept;
  void search() const noexcept NOT_ANALYSED;  // glances without a lock: what it saw decides nothing
  void make_available(ThreadWorker& self) noexcept;
  bool make_unavailable(ThreadWorker& self) noexcept;
  struct Closed {
    ThreadWorker* parked = nullptr;
    std::vector<std::shared_ptr<CompletionQueue>> waiters;
  };
  Closed close_locked() noexcept REQUIRES(outbox_mutex_, inbox_mutex_);
  static void wake(const Closed& closed) noexcept;
  static void unpark_all(ThreadWorker* list) noexcept;

  // Jobs with a priority: higher ones first, equal ones in the order of submission. All of them have extras.
  struct Links {
    static bool goes_before(const Job& a, const Job& b) noexcept {
      return a.extras->priority != b.extras->priority ? a.extras->priority > b.extras->priority
                                                      : a.extras->number < b.extras->number;
    }
    static Job*& next(Job& job) noexcept { return job.next; }
    static Job*& child(Job& job) noexcept { return job.extras->child; }
  };

  JobEvents& events_;

  // Two sides, two lines: producers and workers disturb each other less. Lock order: outbox, then inbox.
  alignas(kCacheLine) AdaptiveMutex outbox_mutex_;
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
  PairingHeap<Job, Links> ranked_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_);
  // Empty unless paused.
  std::vector<std::shared_ptr<CompletionQueue>> resume_waiters_ GUARDED_BY(outbox_mutex_) GUARDED_BY(inbox_mutex_);
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

  // Helping: it runs a job on top of what it is at. begin_helping() false: the pool is paused, nothing may start. Otherwise settled()
  // must follow. Throws RecursionError.
  bool begin_helping() {
    require_stack("a task that waits, and would run what it waits for, is");
    return dispatch_.begin_helping(*this);
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

  Dispatch& dispatch_;
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
