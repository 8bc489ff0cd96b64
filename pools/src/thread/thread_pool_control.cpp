// What a pool's user asks of the whole pool: to end, to start, to pause, to change its size, and how it is.

#include <cstddef>
#include <string>
#include <system_error>
#include <utility>

#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_limit.h"
#include "pools/src/thread/thread_pool_core.h"

namespace pools::detail {

void ThreadPoolCore::shutdown(const ShutdownOptions& options) {
  if (!process_.is_this()) return;
  if (options.wait && called_by_worker()) {
    throw Error("shutdown(wait) was called from a worker of the pool '" + options_.name_prefix + "': it would wait for itself");
  }
  close_and_wait(options);
}

void ThreadPoolCore::close_and_wait(const ShutdownOptions& options) {
  cores_.close();
  sizer_.stop();  // after it: nothing starts it any more
  Job* job = nullptr;
  if (options.cancel_futures) {
    job = dispatch_.close_and_take_all();
  } else {
    dispatch_.close();
  }
  if (events_.permits() != nullptr) events_.permits()->wake_all();
  while (job != nullptr) std::exchange(job, job->next)->cancel(events_);
  if (!options.wait) return;
  join_all();
  deadlines_.stop();
  if (callback_thread_) callback_thread_->drain();
}

void ThreadPoolCore::start_all() {
  require_own_process();
  try {
    start_all_threads();
  } catch (const std::system_error& error) {
    std::size_t threads = 0;
    {
      const Lock lock(mutex_);
      threads = slots_.size() - ended_;
    }
    throw std::system_error(error.code(), "start_all(): the pool '" + options_.name_prefix + "' has " + std::to_string(threads) +
                                              " of " + std::to_string(workers()) +
                                              " threads, and no further one can be started: " + limit_on_threads());
  }
}

void ThreadPoolCore::start_all_threads() {
  std::uint32_t expected = 0;
  {
    const Lock lock(mutex_);
    while (!broken_ && dispatch_.lacks_worker(Dispatch::Need::all)) start_worker_locked();
    expected = started_;
  }
  for (;;) {
    const std::uint32_t ready = ready_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(ready - expected) >= 0) break;
    futex_wait(ready_, ready);
  }
  {
    const Lock lock(mutex_);
    if (broken_) std::rethrow_exception(broken_);
  }
  if (callback_thread_) callback_thread_->start();
}

void ThreadPoolCore::pause() {
  require_own_process();
  dispatch_.pause();
  if (!dispatch_.paused()) return;  // shut down
  // What was claimed before becomes running, or turns out to be cancelled, before this returns.
  dispatch_.await_admitted_settled();
  const Lock lock(mutex_);
  for (const auto& slot : slots_) slot->worker.await_settled();
}

void ThreadPoolCore::resume() {
  require_own_process();
  dispatch_.resume();
  if (events_.permits() != nullptr) events_.permits()->wake_all();  // submitters that may run their own tasks again
}

void ThreadPoolCore::resize(int workers) {
  require_own_process();
  cores_.instead([&] {
    sizer_.stop();
    set_size(workers);
  });
}

void ThreadPoolCore::resize_automatically() {
  require_own_process();
  cores_.follow([this] { sizer_.stop(); });
}

void ThreadPoolCore::set_size(int workers) {
  const Lock lock(mutex_);
  if (broken_) std::rethrow_exception(broken_);
  if (dispatch_.closed()) throw ShutdownError("cannot resize a pool after shutdown");
  const int by = workers - std::exchange(wanted_, workers);
  if (by < 0) {
    dispatch_.shrink(-by);
    return;
  }
  if (by == 0) return;
  dispatch_.grow(by);
  if (dispatch_.counting()) return;  // as they are needed
  // Nobody counts any more whether they are needed: all now.
  try {
    while (dispatch_.lacks_worker(Dispatch::Need::all)) start_worker_locked();
  } catch (...) {
    wanted_ -= dispatch_.drop_unstarted();
    throw;
  }
}

PoolMetrics ThreadPoolCore::metrics() const {
  PoolMetrics metrics = task_metrics();
  if (process_.is_this()) metrics.sizing = sizer_.metrics();
  return metrics;
}

PoolMetrics ThreadPoolCore::task_metrics() const {
  PoolMetrics metrics;
  if (!process_.is_this()) return metrics;
  FutureState::await_all_cancellers();  // what has been seen cancelled is counted
  const Lock lock(mutex_);
  metrics.workers = static_cast<int>(slots_.size() - ended_);
  // First the ends, then the starts, then the submissions, each with acquire: what is read later is not smaller.
  const auto* const slots = &slots_;
  const auto sum = [&](std::atomic<std::uint64_t> Tally::*count) {
    std::uint64_t total = (callers_.*count).load(std::memory_order_acquire);
    for (const auto& slot : *slots) total += (slot->tally.*count).load(std::memory_order_acquire);
    return total;
  };
  metrics.done = sum(&Tally::done);
  metrics.failed = sum(&Tally::failed);
  const std::uint64_t started = sum(&Tally::started);
  const std::uint64_t failed_unstarted = events_.failed_unstarted_count();
  metrics.cancelled = events_.cancelled_count();
  metrics.submitted = dispatch_.submitted();
  metrics.running = started - metrics.done - metrics.failed;
  metrics.failed += failed_unstarted;
  metrics.queued = metrics.submitted - started - failed_unstarted - metrics.cancelled;
  if (options_.timing) {
    const auto add = [&](const Tally& tally) {
      tally.latencies->queue_wait.add_to(*metrics.queue_wait);
      tally.latencies->run_time.add_to(*metrics.run_time);
    };
    metrics.queue_wait.emplace();
    metrics.run_time.emplace();
    add(callers_);
    for (const auto& slot : *slots) add(slot->tally);
  }
  dispatch_.add_groups_to(metrics);
  return metrics;
}

}  // namespace pools::detail
