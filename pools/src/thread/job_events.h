#pragma once

// What a thread pool does at the steps of a job's life beyond running it: counting, the histograms, the observer, the permits of a
// bounded queue, the times by which jobs have to start.
//
// By default a job costs its worker three plain stores for this and nothing else. Whatever needs more is only done for jobs that have
// extras.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "pools/detail/job.h"
#include "pools/detail/tally.h"
#include "pools/observer.h"
#include "pools/src/base/mutex.h"
#include "pools/src/future/deadline_timer.h"
#include "pools/src/thread/queue_permits.h"

namespace pools::detail {

class JobEvents {
 public:
  // deadlines: for jobs that have to start by a time.
  JobEvents(std::shared_ptr<PoolObserver> observer, bool timing, std::size_t queue_limit, DeadlineTimer& deadlines)
      : observer_(std::move(observer)), timing_(timing), deadlines_(deadlines) {
    if (queue_limit > 0) permits_.emplace(queue_limit);
  }

  // Every job of the pool needs extras.
  bool on_all_jobs() const noexcept { return observer_ != nullptr || timing_ || permits_.has_value(); }
  // Null: the queue is not bounded.
  QueuePermits* permits() noexcept { return permits_ ? &*permits_ : nullptr; }
  PoolObserver* observer() const noexcept { return observer_.get(); }
  std::unique_ptr<Latencies> make_latencies() const { return timing_ ? std::make_unique<Latencies>() : nullptr; }

  // --- of a job with extras ---
  void submitting(Job& job) noexcept;                      // before it is queued, without a lock
  void accepted(Job& job, std::uint64_t number) noexcept;  // with the queue's lock held
  // The state of what ran is not done yet. worker: PoolObserver::kNoWorker for a submitter.
  void started(Job& job, FutureState* state, Tally& tally, int worker) noexcept;
  void ended(Job& job, Tally& tally, int worker, bool failed) noexcept;

  // --- of any job ---
  // A pending state was cancelled; called under its lock. The job may be in the queue still.
  void cancelled(FutureState& state) noexcept;
  // The queue lets go of a job that was cancelled before.
  void cancelled_job_dropped(Job& job) noexcept;
  // A job without a state was dropped from the queue.
  void stateless_cancelled(Job& job) noexcept;
  // It failed without having been started.
  void failed_unstarted(Job& job, FutureState* state) noexcept;

  std::uint64_t cancelled_count() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  std::uint64_t failed_unstarted_count() const noexcept { return failed_unstarted_.load(std::memory_order_acquire); }

 private:
  void leave_queue(Job& job, FutureState* state) noexcept;
  void record(LatencyRecorder& latencies, std::chrono::nanoseconds duration, int worker) noexcept
      EXCLUDES(shared_latencies_mutex_);
  void report_finished(Job& job, int worker, PoolObserver::Outcome outcome) noexcept;

  const std::shared_ptr<PoolObserver> observer_;
  const bool timing_;
  DeadlineTimer& deadlines_;
  std::optional<QueuePermits> permits_;
  Mutex shared_latencies_mutex_;  // several submitters may record at a time
  // Release and acquire as in Tally.
  std::atomic<std::uint64_t> cancelled_{0};
  std::atomic<std::uint64_t> failed_unstarted_{0};
};

}  // namespace pools::detail
