#pragma once

// The tasks of a process pool that wait for a worker, and those that wait for something else. They are linked by the tasks themselves:
// nothing here allocates, so that a task is never lost for want of memory. Not thread-safe.

#include <cstddef>
#include <utility>

#include "pools/detail/remote_task.h"
#include "pools/src/base/pairing_heap.h"

namespace pools::detail {

// Tasks in a row.
class TaskList {
 public:
  TaskList() = default;
  TaskList(TaskList&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  TaskList& operator=(TaskList&&) = delete;
  ~TaskList() {
    while (!empty()) pop_front();
  }

  bool empty() const noexcept { return first_ == nullptr; }
  RemoteTask& front() noexcept { return *first_; }  // REQUIRES: not empty; so do those below
  TaskRef pop_front() noexcept {
    RemoteTask* const front = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    return TaskRef(front);
  }
  void push_back(TaskRef task) noexcept {
    RemoteTask* const raw = task.release();
    raw->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = raw;
    last_ = raw;
  }
  // To its place in a list that is sorted by number; the search begins at the front, unless that is the end.
  void insert(TaskRef task) noexcept {
    if (last_ != nullptr && last_->number < task->number) return push_back(std::move(task));
    RemoteTask* const raw = task.release();
    RemoteTask** link = &first_;
    while (*link != nullptr && (*link)->number < raw->number) link = &(*link)->next;
    raw->next = *link;
    *link = raw;
    if (raw->next == nullptr) last_ = raw;
  }
  // Takes those out, in order, of which `wanted` says so.
  template <class Wanted>
  TaskList take_if(Wanted wanted) noexcept {
    TaskList taken;
    TaskList kept;
    while (!empty()) {
      TaskRef task = pop_front();
      (wanted(*task) ? taken : kept).push_back(std::move(task));
    }
    first_ = std::exchange(kept.first_, nullptr);
    last_ = std::exchange(kept.last_, nullptr);
    return taken;
  }
  template <class Use>
  void for_each(Use use) const {
    for (const RemoteTask* task = first_; task != nullptr; task = task->next) use(*task);
  }

 private:
  RemoteTask* first_ = nullptr;
  RemoteTask* last_ = nullptr;
};

// By priority, and within a priority in the order of submission, also those that come back.
class TaskQueue {
 public:
  static bool goes_before(const RemoteTask& a, const RemoteTask& b) noexcept {
    return a.priority() != b.priority() ? a.priority() > b.priority() : a.number < b.number;
  }

  TaskQueue() = default;
  TaskQueue(TaskQueue&&) = delete;
  ~TaskQueue() {
    while (!empty()) pop();
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  // A new one: its number is the highest.
  void push(TaskRef task) noexcept {
    ++size_;
    if (task->priority() != 0) return others_.push(task.release());
    usual_.push_back(std::move(task));
  }
  // One that was taken out before: to its place by number, which is near the front.
  void put_back(TaskRef task) noexcept {
    ++size_;
    if (task->priority() != 0) return others_.push(task.release());
    usual_.insert(std::move(task));
  }
  // REQUIRES: not empty.
  RemoteTask& front() noexcept { return usual_first() ? usual_.front() : *others_.first(); }
  TaskRef pop() noexcept {
    --size_;
    return usual_first() ? usual_.pop_front() : TaskRef(others_.pop());
  }

 private:
  struct Links {
    static bool goes_before(const RemoteTask& a, const RemoteTask& b) noexcept { return TaskQueue::goes_before(a, b); }
    static RemoteTask*& next(RemoteTask& task) noexcept { return task.next; }
    static RemoteTask*& child(RemoteTask& task) noexcept { return task.has_extras()->child; }  // who has a priority has extras
  };

  bool usual_first() const noexcept { return others_.empty() || (!usual_.empty() && others_.first()->priority() < 0); }

  TaskList usual_;                         // priority 0: no search
  PairingHeap<RemoteTask, Links> others_;  // owned here
  std::size_t size_ = 0;
};

}  // namespace pools::detail
