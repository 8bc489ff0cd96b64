#include "pools/src/process/backlog.h"

#include <algorithm>
#include <utility>

namespace pools::detail {

using Place = RemoteTask::Place;

TaskQueue* Backlog::first_of_groups(bool any) noexcept {
  while (!any && !queue_.empty() && !has_permit_for(queue_.front())) {
    TaskRef task = queue_.pop();
    TaskQueue& passed_over = task->group()->passed_over;
    passed_over.put_back(std::move(task));
    ++passed_over_;
  }
  TaskQueue* first = queue_.empty() ? nullptr : &queue_;
  for (const auto& group : groups_) {
    if (group->passed_over.empty() || (!any && group->full())) continue;
    if (first == nullptr || TaskQueue::goes_before(group->passed_over.front(), first->front())) first = &group->passed_over;
  }
  return first;
}

void Backlog::push(TaskRef task) noexcept {
  if (RemoteGroup* const group = task->group()) ++group->waiting;
  queue_.push(std::move(task));
}

TaskRef Backlog::take_from(TaskQueue& queue) noexcept {
  if (&queue != &queue_) --passed_over_;
  TaskRef task = queue.pop();
  if (RemoteGroup* const group = task->group()) --group->waiting;
  if (task->place.exchange(Place::elsewhere, std::memory_order_acq_rel) == Place::waiting) {
    if (blocked_submitters_ > 0) room_.made();
    return task;
  }
  // A canceller was first: it has been counted, and its place is free already.
  room_.cancelled_left();
  events_.dropped_under_the_mutex(*task);
  return nullptr;
}

TaskRef Backlog::pop() noexcept {
  while (TaskQueue* const queue = first()) {
    TaskRef task = take_from(*queue);
    if (!task) continue;
    take_permit(*task);
    return task;
  }
  return nullptr;
}

void Backlog::take_permit(RemoteTask& task) noexcept {
  if (task.group() == nullptr) return;
  task.has_extras()->has_permit = true;
  ++task.group()->taken;
}

bool Backlog::give_permit_back(RemoteTask& task) noexcept {
  if (task.group() == nullptr || !std::exchange(task.has_extras()->has_permit, false)) return false;
  --task.group()->taken;
  return true;
}

std::size_t Backlog::size() const noexcept {
  std::size_t size = queue_.size();
  for (const auto& group : groups_) {
    if (!group->full()) size += std::min(group->passed_over.size(), static_cast<std::size_t>(group->limit - group->taken));
  }
  return size;
}

void Backlog::put_back(TaskRef task) noexcept {
  give_permit_back(*task);
  Place from = task->place.load(std::memory_order_relaxed);  // elsewhere or retrying: only a canceller changes it meanwhile
  if (from == Place::cancelled || !task->place.compare_exchange_strong(from, Place::waiting, std::memory_order_acq_rel)) {
    return events_.dropped_under_the_mutex(*task);
  }
  if (RemoteGroup* const group = task->group()) ++group->waiting;
  queue_.put_back(std::move(task));
}

std::uint64_t Backlog::waiting() const noexcept {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, static_cast<std::int64_t>(queue_.size() + passed_over_) - room_.cancelled()));
}

bool Backlog::retry_at(TaskRef& task, Clock::time_point due) noexcept {
  task->state().recall();  // from here on it is merely pending
  auto elsewhere = Place::elsewhere;
  // Acq_rel: as in pop(). A canceller that comes later finds the task here.
  if (!task->place.compare_exchange_strong(elsewhere, Place::retrying, std::memory_order_acq_rel)) return false;
  ++task->retried;
  task->retry_due = due;
  retries_.push_back(std::move(task));
  events_.answering_ends();
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
  while (!cancelled.empty()) events_.dropped_under_the_mutex(*cancelled.pop_front());
}

TaskList Backlog::take_all() noexcept {
  TaskList all;
  while (TaskQueue* const queue = first(true)) {
    if (TaskRef task = take_from(*queue)) all.push_back(std::move(task));
  }
  while (!retries_.empty()) all.push_back(retries_.pop_front());
  return all;
}

}  // namespace pools::detail
