#pragma once

// The tasks of a process pool that wait for a worker: by priority, and within a priority in the order of their submission, also those
// that come back. Not thread-safe.

#include <cstddef>
#include <functional>
#include <map>
#include <utility>

#include "pools/process/remote_task.h"

namespace pools::detail {

class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(TaskQueue&& other) noexcept
      : usual_(std::exchange(other.usual_, {})), others_(std::move(other.others_)), size_(std::exchange(other.size_, 0)) {
    other.others_.clear();
  }
  TaskQueue& operator=(TaskQueue&&) = delete;
  ~TaskQueue() {
    while (!empty()) pop();
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  // A new one: its number is the highest. Throws std::bad_alloc for a priority that is not 0; the task is untouched then.
  void push(TaskRef& task) {
    List& list = list_of(task->priority());
    RemoteTask* const raw = task.release();
    raw->next = nullptr;
    (list.last == nullptr ? list.first : list.last->next) = raw;
    list.last = raw;
    ++size_;
  }
  // One that was taken out before: to its place by number, which is near the front. Likewise.
  void put_back(TaskRef& task) {
    List& list = list_of(task->priority());
    RemoteTask* const raw = task.release();
    RemoteTask** link = &list.first;
    while (*link != nullptr && (*link)->number < raw->number) link = &(*link)->next;
    raw->next = *link;
    *link = raw;
    if (raw->next == nullptr) list.last = raw;
    ++size_;
  }
  // REQUIRES: not empty.
  RemoteTask& front() noexcept { return *first_list().first; }
  TaskRef pop() noexcept {
    List& list = first_list();
    RemoteTask* const front = std::exchange(list.first, list.first->next);
    if (list.first == nullptr) list.last = nullptr;
    --size_;
    drop_empty(list);
    return TaskRef(front);
  }

 private:
  struct List {
    RemoteTask* first = nullptr;
    RemoteTask* last = nullptr;
  };

  List& list_of(int priority) { return priority == 0 ? usual_ : others_[priority]; }
  List& first_list() noexcept {
    if (others_.empty()) return usual_;
    const bool usual_first = usual_.first != nullptr && others_.begin()->first < 0;
    return usual_first ? usual_ : others_.begin()->first > 0 || usual_.first == nullptr ? others_.begin()->second : usual_;
  }
  void drop_empty(List& list) noexcept {
    if (list.first == nullptr && &list != &usual_) others_.erase(others_.begin());   // it was the first
  }

  List usual_;                                        // priority 0: no allocation, no search
  std::map<int, List, std::greater<>> others_;        // none of them empty
  std::size_t size_ = 0;
};

}  // namespace pools::detail
