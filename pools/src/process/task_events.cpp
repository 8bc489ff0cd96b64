#include "pools/src/process/task_events.h"

#include <chrono>
#include <utility>

#include "pools/detail/futex.h"

namespace pools::detail {

using Clock = std::chrono::steady_clock;

TaskEvents::TaskEvents(const ProcessPoolOptions& options, std::function<void()> wake)
    : watched_(options.timing || options.observer != nullptr),
      observer_(options.observer),
      latencies_(options.timing ? std::make_unique<Latencies>() : nullptr),
      deadlines_(options.name_prefix + "_dl"),
      wake_(std::move(wake)) {}

std::optional<DeadlineTimer::Entry> TaskEvents::prepare_extras(RemoteTask& task) {
  if (latencies_) task.extras();
  const RemoteTask::Extras* const extras = task.has_extras();
  if (extras == nullptr || !extras->options.start_by) return std::nullopt;
  return deadlines_.make(task.state(), *deadline_after(*extras->options.start_by));
}

void TaskEvents::note_submitted(RemoteTask& task) noexcept {
  if (latencies_) task.has_extras()->submitted_at = Clock::now();
  if (observer_) observer_->submitted(task.number);
}

void TaskEvents::note_given(RemoteTask& task, int worker) noexcept {
  if (latencies_) task.has_extras()->started_at = Clock::now();  // recorded when it is known to have begun
  if (observer_) observer_->started(task.number, worker);
}

void TaskEvents::died_with_its_worker(const RemoteTask& task) noexcept {
  if (latencies_) latencies_->queue_wait.record(task.has_extras()->started_at - task.has_extras()->submitted_at);
}

void TaskEvents::note_answered(const RemoteTask& task) noexcept {
  if (!latencies_) return;
  const RemoteTask::Extras& times = *task.has_extras();
  latencies_->queue_wait.record(times.started_at - times.submitted_at);
  latencies_->run_time.record(Clock::now() - times.started_at);
}

void TaskEvents::dropped(RemoteTask& task, int worker) noexcept {
  if (observer_) observer_->finished(task.number, worker, PoolObserver::Outcome::cancelled);
  task.state().await_canceller();
  task.release_attachments();
}

void TaskEvents::dropped_under_the_mutex(RemoteTask& task) noexcept {
  HeldAttachments* const held = task.take_attachments().release();
  dropped(task);
  if (held == nullptr) return;
  held->next = dropped_.load(std::memory_order_relaxed);
  // Release: the list, and what the holder did with the memory, is visible to who takes it.
  while (!dropped_.compare_exchange_weak(held->next, held, std::memory_order_release, std::memory_order_relaxed)) {
  }
  wake_();
}

void TaskEvents::free_dropped() noexcept {
  if (dropped_.load(std::memory_order_relaxed) == nullptr) return;  // Relaxed: who adds to it wakes the supervisor after that
  std::unique_ptr<HeldAttachments> held(dropped_.exchange(nullptr, std::memory_order_acquire));  // Acquire: pairs with the adding
  while (held) held.reset(std::exchange(held->next, nullptr));
}

void TaskEvents::cancel(RemoteTask& task) noexcept {
  if (task.state().cancel()) return dropped(task);
  task.state().await_canceller();  // perhaps another one
}

void TaskEvents::finish(RemoteTask& task, int worker, std::exception_ptr error) noexcept {
  forget_start_by(task);
  task.release_attachments();
  (error ? failed_ : done_).fetch_add(1, std::memory_order_release);
  if (observer_) observer_->finished(task.number, worker, error ? PoolObserver::Outcome::failed : PoolObserver::Outcome::done);
  task.state().finish(std::move(error));
}

int TaskEvents::add_counts_to(PoolMetrics& metrics) const noexcept {
  // First: who sees that one is not being answered any more because it was cancelled also sees it cancelled.
  const std::uint64_t otherwise = answered_otherwise_.load(std::memory_order_acquire);
  metrics.done = done_.load(std::memory_order_acquire);
  metrics.failed = failed_.load(std::memory_order_acquire);
  metrics.cancelled = cancelled_.load(std::memory_order_acquire);
  metrics.shared_buffers = shared_buffers_.load(std::memory_order_relaxed);
  metrics.shared_bytes = shared_bytes_.load(std::memory_order_relaxed);
  return static_cast<int>(answering_begun_ - metrics.done - metrics.failed - otherwise);
}

void TaskEvents::add_latencies_to(PoolMetrics& metrics) const {
  if (!latencies_) return;
  latencies_->queue_wait.add_to(metrics.queue_wait.emplace());
  latencies_->run_time.add_to(metrics.run_time.emplace());
}

}  // namespace pools::detail
