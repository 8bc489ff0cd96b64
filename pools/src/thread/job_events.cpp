#include "pools/src/thread/job_events.h"

namespace pools::detail {

using Clock = std::chrono::steady_clock;

void JobEvents::submitting(Job& job) noexcept {
  if (timing_) job.extras->submitted_at = Clock::now();
}

void JobEvents::accepted(Job& job, std::uint64_t number) noexcept {
  job.extras->number = number;
  // Under the lock, since no worker may come by the job before; observers are told not to block.
  if (observer_) observer_->submitted(number);
}

void JobEvents::leave_queue(Job& job, FutureState* state) noexcept {
  if (permits_) permits_->give_back();
  if (state != nullptr && job.extras && job.extras->start_by) deadlines_.forget(*state);
}

void JobEvents::record(LatencyRecorder& latencies, std::chrono::nanoseconds duration, int worker) noexcept {
  if (worker != PoolObserver::kNoWorker) return latencies.record(duration);
  const Lock lock(shared_latencies_mutex_);
  latencies.record(duration);
}

void JobEvents::started(Job& job, FutureState* state, Tally& tally, int worker) noexcept {
  leave_queue(job, state);
  JobExtras& extras = *job.extras;
  if (timing_) {
    extras.started_at = Clock::now();
    record(tally.latencies->queue_wait, extras.started_at - extras.submitted_at, worker);
  }
  if (observer_) observer_->started(extras.number, worker);
}

void JobEvents::ended(Job& job, Tally& tally, int worker, bool failed) noexcept {
  JobExtras& extras = *job.extras;
  if (timing_) {
    record(tally.latencies->run_time, Clock::now() - extras.started_at, worker);
  }
  report_finished(job, worker, failed ? PoolObserver::Outcome::failed : PoolObserver::Outcome::done);
}

void JobEvents::cancelled(FutureState& state) noexcept {
  cancelled_.fetch_add(1, std::memory_order_release);
  if (permits_) permits_->give_back();
  deadlines_.forget(state);
}

void JobEvents::cancelled_job_dropped(Job& job) noexcept {
  report_finished(job, PoolObserver::kNoWorker, PoolObserver::Outcome::cancelled);
}

void JobEvents::stateless_cancelled(Job& job) noexcept {
  cancelled_.fetch_add(1, std::memory_order_release);
  leave_queue(job, nullptr);
  cancelled_job_dropped(job);
}

void JobEvents::failed_unstarted(Job& job, FutureState* state) noexcept {
  failed_unstarted_.fetch_add(1, std::memory_order_release);
  leave_queue(job, state);
  report_finished(job, PoolObserver::kNoWorker, PoolObserver::Outcome::failed);
}

void JobEvents::report_finished(Job& job, int worker, PoolObserver::Outcome outcome) noexcept {
  if (observer_) observer_->finished(job.extras->number, worker, outcome);
}

void Job::report_dropped(JobEvents& events) noexcept { events.cancelled_job_dropped(*this); }
void Job::report_stateless_cancelled(JobEvents& events) noexcept { events.stateless_cancelled(*this); }
void Job::report_failed(JobEvents& events, FutureState* state) noexcept { events.failed_unstarted(*this, state); }

}  // namespace pools::detail
