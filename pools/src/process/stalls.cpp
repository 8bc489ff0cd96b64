// What the supervisor of a process pool does about workers that are stuck, that have nothing to do, or whose time is up.

#include <algorithm>
#include <csignal>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/process_pool_core.h"

namespace pools::detail {

using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

bool ProcessPoolCore::rebalance() {
  if (!prefetches_) return false;
  bool again = false;
  bool taken = false;
  {
    std::unique_lock lock(mutex_, std::defer_lock);
    for (const WorkerRef& worker : live_) {
      if (!worker->has_several) continue;  // the supervisor's: without the mutex
      if (!lock.owns_lock()) lock.lock();
      if (worker->given() < 2) {
        worker->has_several = false;
        continue;
      }
      if (Clock::now() - worker->progress < WorkerProcess::kStuck) {
        again = true;
        continue;
      }
      worker->depth = 1;
      worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
      taken = true;
    }
  }
  if (taken) supply_idle();
  return again || taken;
}

// A worker that has not begun its oldest task is stopped, or hangs, or waits for a core. What it has goes to others, who may be as slow, so
// that its patience doubles each time; it is given nothing more until it answers, and if it does not, it is ended.
bool ProcessPoolCore::take_back_unbegun_locked(Clock::time_point now) {
  bool taken = false;
  for (const WorkerRef& worker : live_) {
    if (!worker->keeps_waiting() || worker->condemned() || worker->terminated) continue;
    const auto silent = now - worker->progress;
    if (!worker->unheard && silent >= std::min<Clock::duration>(worker->patience, options_.grace)) {
      worker->unheard = true;
      worker->depth = 1;
      worker->patience = std::min<Clock::duration>(worker->patience * 2, options_.grace);
      worker->take_back([this](TaskRef task) { put_back_locked(std::move(task)); });
      taken = true;
    }
    if (silent >= options_.grace) terminate_locked(*worker, KillReason::silence);
  }
  return taken;
}

void ProcessPoolCore::terminate_locked(WorkerProcess& worker, KillReason kill_reason) noexcept {
  worker.terminated = true;
  worker.kill_reason = kill_reason;
  worker.child().kill_group(SIGTERM);
  worker.child().kill(SIGTERM);
  worker.due = deadline_after(options_.kill_gap);
}

void ProcessPoolCore::watch_clocks() {
  bool came_back = false;  // tasks
  bool starts_again = false;
  {
    const std::lock_guard lock(mutex_);
    unwatched_ = false;
    const auto now = Clock::now();
    for (const WorkerRef& worker : live_) {
      if (!worker->due || *worker->due > now) continue;
      if (!worker->terminated) {
        terminate_locked(*worker, worker->phase == Phase::stopping ? KillReason::silence : KillReason::time_limit);
      } else {
        worker->child().kill_group(SIGKILL);
        worker->child().kill(SIGKILL);
        worker->due.reset();
      }
    }
    if (now >= next_watch_) {
      came_back = take_back_unbegun_locked(now);
      next_watch_ = now + WorkerProcess::kFirstPatience / 2;
    }
    TaskList due = retries_.take_if([now](const RemoteTask& task) { return task.retry_due <= now; });
    while (!due.empty()) {
      ++retried_;
      came_back = true;
      put_back_locked(due.pop_front());
    }
    if (start_again_ && *start_again_ <= now) {
      start_again_.reset();
      failed_starts_ = 0;
      starts_again = true;
    }
  }
  for (const WorkerRef& worker : live_) {  // without the mutex: it takes a walk over all processes
    if (!worker->terminated || std::exchange(worker->descendants_terminated, true)) continue;
    signal_descendants(worker->mark(), SIGTERM, worker->pid());
  }
  if (starts_again) notify();  // start_all() may go on
  if (starts_again || came_back) start_needed();
  if (came_back) {
    supply_idle();
    stop_idle_workers();
  }
}

// Empty: nothing is due, and who changes that pokes this thread.
std::optional<ProcessPoolCore::Clock::time_point> ProcessPoolCore::next_due() {
  const std::lock_guard lock(mutex_);
  std::optional<Clock::time_point> next = start_again_;
  const auto consider = [&next](Clock::time_point due) {
    if (!next || due < *next) next = due;
  };
  bool waits = false;  // for a worker to begin what it was given
  for (const WorkerRef& worker : live_) {
    if (worker->due) consider(*worker->due);
    if (worker->terminated || !worker->keeps_waiting()) continue;
    waits = true;
    const auto silence = worker->unheard ? options_.grace : std::min<Clock::duration>(worker->patience, options_.grace);
    if (silence < Clock::time_point::max() - worker->progress) consider(std::max(worker->progress + silence, next_watch_));
  }
  retries_.for_each([&](const RemoteTask& task) { consider(task.retry_due); });
  unwatched_ = !waits;
  if (unwatched_) watch_timer_.disarm();  // for tasks that have been begun
  return next;
}

void ProcessPoolCore::drop_cancelled_retries() {
  const std::lock_guard lock(mutex_);
  TaskList cancelled = retries_.take_if([](const RemoteTask& task) {
    return task.place.load(std::memory_order_acquire) == RemoteTask::Place::cancelled;  // Acquire: as in pop_locked()
  });
  while (!cancelled.empty()) drop_cancelled(cancelled.pop_front());
}

void ProcessPoolCore::stop_idle_workers() noexcept {
  for (;;) {
    WorkerRef worker;
    {
      const std::lock_guard lock(mutex_);
      worker = next_to_go_locked();
      if (!worker) return;
      dismiss_locked(*worker);
    }
    worker->channel().ring();
  }
}

// Of the idle ones the one that has been idle longest. At the end there is no use for those that are still starting either.
ProcessPoolCore::WorkerRef ProcessPoolCore::next_to_go_locked() const {
  if (seen_closing_ && queue_.empty() && retries_.empty()) {
    if (!idle_.empty()) return idle_.front();
    const auto starting =
        std::find_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::starting; });
    return starting == live_.end() ? nullptr : *starting;
  }
  if (idle_.empty()) return nullptr;
  // Those that are on their way out already count among those that live.
  const auto leaving =
      std::count_if(live_.begin(), live_.end(), [](const WorkerRef& worker) { return worker->phase == Phase::stopping; });
  return static_cast<std::ptrdiff_t>(live_.size()) - leaving > target_ ? idle_.front() : nullptr;
}

void ProcessPoolCore::dismiss_locked(WorkerProcess& worker) noexcept {
  if (worker.idle) {
    std::erase_if(idle_, [&](const WorkerRef& each) { return each.get() == &worker; });
    worker.idle = false;
  }
  if (worker.phase == Phase::ready) --ready_;
  worker.phase = Phase::stopping;
  worker.due = deadline_after(options_.grace);
  if (worker.condemned() || worker.unsent()) return;  // it does not read: its grace will end it
  try {
    worker.load_stop();
    worker.send_some();
  } catch (const std::exception& error) {
    worker.condemn(error.what());
  }
}

}  // namespace pools::detail
