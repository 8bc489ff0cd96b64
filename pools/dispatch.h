#pragma once

// The queue of a thread pool and the parking of its workers.
//
// Two lists under two locks: producers append to the inbox, workers take from the outbox and, when it is empty, move the
// whole inbox over. So producers and workers meet once per batch and not once per job, while jobs are still claimed one at
// a time, in the order of submission, and nothing that is claimed waits.
//
// Waking. A worker is running a job, searching (looking at the lists, yielding its core in between), or parked. What has to
// hold is that no job waits while a worker is parked and nobody is on the way to it:
//
//     (I)  whenever neither lock is held:  a list is not empty and a worker is parked  =>  a worker is searching
//
// idle_, searching_ and the emptiness of the inbox change only under the inbox lock, and only its holder moves jobs to the
// outbox, so (I) is kept by each step for itself: push() makes a parked worker a searching one if there is none; a searching
// worker that claims a job stops searching and, if a job is left, makes another parked worker a searching one; a worker
// parks only while it holds both locks and both lists are empty. Hence at most one wake-up is in flight that has not yet
// borne fruit, the woken worker wakes the next, and there is nothing to get wrong in memory orders: the mutexes have them.

#include <atomic>
#include <cstddef>
#include <exception>

#include "pools/futex.h"

namespace pools::detail {

class Worker;

// What a thread pool queues. Owned by the queue, then by the worker; ended by exactly one of the calls, which also gives the
// ownership up.
class Job {
 public:
  virtual void run(Worker& worker) noexcept = 0;
  virtual void cancel() noexcept = 0;
  virtual void fail(const std::exception_ptr& error) noexcept = 0;   // instead of running it
  virtual void discard() noexcept = 0;                               // it was never submitted: nobody is told

  Job* next = nullptr;   // the queue's

 protected:
  ~Job() = default;
};

class Dispatch {
 public:
  explicit Dispatch(int workers) noexcept : unstarted_(workers) {}
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  enum class Pushed { refused, queued, queued_needs_worker };
  // Appends, and wakes a worker if one must be. Refused after close(): then the job is still the caller's.
  // queued_needs_worker: call start_worker_if_needed().
  Pushed push(Job* job) noexcept;

  // The next job; null when there is none and there never will be: end the thread. Parks. Called by `self`'s thread.
  Job* next(Worker& self) noexcept;

  // No push from now on; parked workers come back to see the rest done.
  void close() noexcept;
  // Everything that no worker has claimed, chained by `next`.
  Job* take_all() noexcept;
  // True: the job was still queued, and is the caller's again.
  bool withdraw(Job* job) noexcept;

  // --- workers are started as they are needed ---
  // True: a worker has been reserved: start its thread, or say start_failed(). False: all are, or it is not needed since no
  // more jobs are queued than workers are available for; if not only_if_needed, false after close().
  bool reserve_worker(bool only_if_needed) noexcept;
  void start_failed() noexcept;
  // Every reserved worker has its thread: from now on nobody counts.
  void all_started() noexcept;

 private:
  friend class Worker;

  struct List {
    Job* first() const noexcept { return first_.load(std::memory_order_relaxed); }
    bool empty() const noexcept { return first() == nullptr; }
    void append(Job* job) noexcept;
    void append_all(List& from) noexcept;
    Job* pop() noexcept;
    Job* take_all() noexcept;
    bool remove(Job* job) noexcept;

   private:
    // Atomic only so that a searching worker may glance at it without the lock. Relaxed: what it saw decides nothing.
    std::atomic<Job*> first_{nullptr};
    Job* last_ = nullptr;   // undefined when empty
  };

  bool counting() const noexcept { return counting_.load(std::memory_order_relaxed); }
  bool short_of_workers_locked() const noexcept { return counting() && unstarted_ > 0 && unclaimed_ > available_; }
  Worker* choose_locked() noexcept;
  Job* claim_locked(Worker& self, Worker*& wake) noexcept;
  void search() const noexcept;
  void make_available(Worker& self) noexcept;
  bool make_unavailable(Worker& self) noexcept;

  static constexpr std::size_t kCacheLine = 64;   // two sides, two lines: producers and workers disturb each other less

  // Lock order: outbox, then inbox.
  alignas(kCacheLine) BriefMutex outbox_mutex_;
  List outbox_;   // guarded by outbox_mutex_; grows only under both locks

  alignas(kCacheLine) BriefMutex inbox_mutex_;
  // Guarded by inbox_mutex_.
  List inbox_;
  Worker* idle_ = nullptr;   // parked or about to: the one that was last busy first
  int searching_ = 0;        // workers that were chosen, or found nothing, and have neither claimed a job nor parked since
  bool closed_ = false;
  // Only while counting(): whether a job that comes needs a worker that was not started yet. A worker is available when it will
  // take the next job without anybody's help; it becomes so *before* it publishes a result, so that who has seen the result
  // and submits again finds it available.
  int unstarted_;
  std::ptrdiff_t unclaimed_ = 0;   // jobs in the lists
  std::ptrdiff_t available_ = 0;
  // Relaxed: whoever misses the change counts once more in vain.
  std::atomic<bool> counting_{true};
};

// A worker's side of a Dispatch. Lives as long as the Dispatch does, since wakers touch it.
class Worker {
 public:
  explicit Worker(Dispatch& dispatch) noexcept : dispatch_(dispatch) {}

  // The job's code is over and its result is about to be published.
  void about_to_publish() noexcept {
    if (dispatch_.counting()) dispatch_.make_available(*this);
  }
  // After about_to_publish(): this worker will be busy after all, with callbacks. True: another must be started.
  bool busy_again() noexcept { return dispatch_.counting() && dispatch_.make_unavailable(*this); }

 private:
  friend class Dispatch;

  Dispatch& dispatch_;
  Parker parker_;
  // Guarded by the inbox lock.
  Worker* next_idle_ = nullptr;
  bool searching_ = false;
  bool available_ = true;   // counted in Dispatch::available_; from its reservation on
};

}  // namespace pools::detail
