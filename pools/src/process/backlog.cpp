#include "pools/src/process/backlog.h"

#include <algorithm>
#include <utility>

namespace pools::detail {

using Place = RemoteTask::Place;

TaskRef Backlog::pop() noexcept {
  while (!queue_.empty()) {
    TaskRef task = queue_.pop();
    if (task->place.exchange(Place::elsewhere, std::memory_order_acq_rel) == Place::waiting) {
      if (blocked_submitters_ > 0) room_.made();
      return task;
    }
    // A canceller was first: it has been counted, and its place is free already.
    room_.cancelled_left();
    events_.dropped(*task);
  }
  return nullptr;
}

void Backlog::put_back(TaskRef task) noexcept {
  Place from = task->place.load(std::memory_order_relaxed);  // elsewhere or retrying: only a canceller changes it meanwhile
  if (from == Place::cancelled || !task->place.compare_exchange_strong(from, Place::waiting, std::memory_order_acq_rel)) {
    return events_.dropped(*task);
  }
  queue_.put_back(std::move(task));
}

std::uint64_t Backlog::waiting() const noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, static_cast<std::int64_t>(queue_.size()) - room_.cancelled()));
}

bool Backlog::retry_at(TaskRef& task, Clock::time_point due) noexcept {
  auto elsewhere = Place::elsewhere;
  // Acq_rel: as in pop(). A canceller that comes later finds the task here.
  if (!task->place.compare_exchange_strong(elsewhere, Place::retrying, std::memory_order_acq_rel)) return false;
  ++task->retried;
  task->retry_due = due;
  retries_.push_back(std::move(task));
  return true;
}

bool Backlog::requeue_due(Clock::time_point now) noexcept {
  TaskList due = retries_.take_if([now](const RemoteTask& task) { return task.retry_due <= now; });
  const bool some = !due.empty();
  while (!due.empty()) {
    ++retried_;
    put_back(due.pop_front());
  }
  return some;
}

void Backlog::drop_cancelled_retries() noexcept {
  TaskList cancelled = retries_.take_if([](const RemoteTask& task) {
    return task.place.load(std::memory_order_acquire) == Place::cancelled;  // Acquire: as in pop()
  });
  while (!cancelled.empty()) events_.dropped(*cancelled.pop_front());
}

TaskList Backlog::take_all() noexcept {
  TaskList all;
  while (TaskRef task = pop()) all.push_back(std::move(task));
  while (!retries_.empty()) all.push_back(retries_.pop_front());
  return all;
}

}  // namespace pools::detail
