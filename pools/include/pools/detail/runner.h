#pragma once

// What a thread is while it runs the jobs of a thread pool: one of its workers, or a submitter that has to run its own job
// (WhenFull::caller_runs).

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "pools/detail/future_state.h"
#include "pools/detail/job.h"
#include "pools/detail/tally.h"

namespace pools::detail {

class CompletionQueue;
class Runner;

// The innermost on this thread; null on threads that run no jobs.
extern constinit thread_local Runner* this_runner;

class Runner {
 public:
  // Of Dispatch::mode_: workers are left to be started.
  static constexpr unsigned kCounting = 1;

  // A submitter whose job was admitted (Dispatch::admit()); several may share the tally.
  Runner(const CallbackSink& pool, JobEvents& events, Tally& tally, std::atomic<std::uint32_t>& admitted) noexcept;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // --- at a job's steps, in this order ---
  // It is this thread's.
  void started(Job& job, FutureState* state) noexcept {
    bump(tally_.started);
    if (job.extras) started_with_extras(job, state);
  }
  // Whether or not it was: what was claimed has become running, or was found cancelled.
  void settled() noexcept {
    // Release, both: pause() returns after that.
    if (admitted_ != nullptr) {
      std::exchange(admitted_, nullptr)->fetch_sub(1, std::memory_order_release);
      return;
    }
    claims_.store(claims_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // Its code is over, and its captures are gone.
  void ended(Job& job, bool failed) noexcept {
    bump(failed ? tally_.failed : tally_.done);
    if (job.extras) ended_with_extras(job, failed);
  }
  // Its result is about to be published.
  void about_to_publish() noexcept {
    // Relaxed: as Dispatch::mode().
    if (mode_ != nullptr && helping_ == 0 && (mode_->load(std::memory_order_relaxed) & kCounting) != 0) become_available();
  }

  JobEvents& events() noexcept { return events_; }
  const CallbackSink* pool() const noexcept { return &pool_; }

  // The task whose code this thread runs: the innermost. Null in between, and in callbacks of what a worker ran.
  const FutureState* task() const noexcept { return task_; }
  const FutureState* exchange_task(const FutureState* task) noexcept { return std::exchange(task_, task); }

 protected:
  // A worker, with a tally of its own. mode: its Dispatch's.
  Runner(const CallbackSink& pool, JobEvents& events, Tally& tally, int number, const std::atomic<unsigned>& mode) noexcept
      : pool_(pool), events_(events), tally_(tally), mode_(&mode), number_(number) {}

  // With the queue's lock held: settled() will follow before any code that is not the pool's.
  void claiming() noexcept { claims_.store(claims_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
  // Returns when what was claimed before the call has settled. By another thread, or between two jobs.
  void await_settled() const noexcept {
    const std::uint32_t claims = claims_.load(std::memory_order_acquire);
    if (claims % 2 == 0) return;
    while (claims_.load(std::memory_order_acquire) == claims) ::sched_yield();  // a few instructions, but for a lost core
  }

  int helping_ = 0;  // a worker's: jobs that it runs on top of others; its thread's

 private:
  void bump(std::atomic<std::uint64_t>& count) noexcept {
    if (mode_ == nullptr) {
      count.fetch_add(1, std::memory_order_release);
    } else {
      count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
  }

  void started_with_extras(Job& job, FutureState* state) noexcept;
  void ended_with_extras(Job& job, bool failed) noexcept;
  static void become_available() noexcept;  // the worker whose thread this is

  const CallbackSink& pool_;
  JobEvents& events_;
  Tally& tally_;
  const std::atomic<unsigned>* const mode_;  // null: a submitter
  const int number_;
  std::atomic<std::uint32_t>* admitted_ = nullptr;  // a submitter's, until its job has settled
  const FutureState* task_ = nullptr;
  // Odd from the claim of a job, made under the queue's lock, until it has settled. Written by this thread only.
  std::atomic<std::uint32_t> claims_{0};
};

// For a scope: this thread is `runner`.
class RunnerScope {
 public:
  explicit RunnerScope(Runner& runner) noexcept : outer_(std::exchange(this_runner, &runner)) {}
  ~RunnerScope() { this_runner = outer_; }
  RunnerScope(const RunnerScope&) = delete;
  RunnerScope& operator=(const RunnerScope&) = delete;

 private:
  Runner* const outer_;
};

// An untimed wait on a thread that runs jobs: returns when the state is done. Helps: runs on this thread what holds the state up, itself
// or through what it waits for, if it is a task of this worker's own pool that has not started (waits_for.h). Throws DeadlockError,
// RecursionError if there is too little stack left to help, std::bad_alloc.
void wait_on_runner(Runner& runner, FutureState& state);

// What FutureState::help() does for a task: a worker that waits starts it and runs it on top of that. Throws RecursionError.
FutureState::Help run_on_top(WaitRecord& wait, FutureState& task, const Job& job,
                             void (*execute)(FutureState& task, Runner& runner));

// Runs this very state's task on this thread if it can. `full`: `waiter` is nudged when a permit comes back. Throws RecursionError,
// std::bad_alloc.
FutureState::Help help_on_thread(Runner& runner, FutureState& state, const std::shared_ptr<CompletionQueue>& waiter);

}  // namespace pools::detail
