#pragma once

// A task of a process pool: the message that asks for it, and the state of its future, in one object.

#include <exception>
#include <memory>
#include <utility>

#include "pools/future.h"
#include "pools/process/wire.h"

namespace pools::detail {

class RemoteTask {
 public:
  RemoteTask(const RemoteTask&) = delete;
  RemoteTask& operator=(const RemoteTask&) = delete;

  Message& message() noexcept { return message_; }

  virtual FutureState& state() noexcept = 0;
  // Completes it with what the worker answered. REQUIRES: running.
  virtual void finish_with_answer(Reader answer) noexcept = 0;
  // Completes it with an error unless it is cancelled. REQUIRES: pending or cancelled.
  void fail_unstarted(const std::exception_ptr& error) noexcept {
    if (state().try_start()) state().finish(error);
  }

  RemoteTask* next = nullptr;   // the queue's

 protected:
  explicit RemoteTask(const FunctionKey& function) : message_(MessageKind::task, function) {}
  ~RemoteTask() = default;

 private:
  Message message_;
};

// Owns one reference.
struct DropTask {
  void operator()(RemoteTask* task) const noexcept { task->state().drop_reference(); }
};
using TaskRef = std::unique_ptr<RemoteTask, DropTask>;

// Decode is V(Reader&), or void(Reader&) for V = void.
template <class V, auto Decode>
class DecodedTask final : public ValueState<V>, public RemoteTask {
 public:
  explicit DecodedTask(const FunctionKey& function) : RemoteTask(function) {}

  FutureState& state() noexcept override { return *this; }
  void finish_with_answer(Reader answer) noexcept override {
    finish_with<V>(*this, [&answer]() -> V {
      if constexpr (std::is_void_v<V>) {
        answer.expect_end();
      } else {
        V value = Decode(answer);
        answer.expect_end();
        return value;
      }
    });
  }
};

template <class V>
V decode_value(Reader& answer) {
  if constexpr (!std::is_void_v<V>) return decode<V>(answer);
}

// FIFO of owned tasks.
class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(TaskQueue&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  TaskQueue& operator=(TaskQueue&&) = delete;
  ~TaskQueue() {
    while (!empty()) pop();
  }

  bool empty() const noexcept { return first_ == nullptr; }
  void push(TaskRef task) noexcept {
    RemoteTask* const raw = task.release();
    raw->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = raw;
    last_ = raw;
  }
  void push_front(TaskRef task) noexcept {
    RemoteTask* const raw = task.release();
    raw->next = first_;
    first_ = raw;
    if (last_ == nullptr) last_ = raw;
  }
  TaskRef pop() noexcept {
    RemoteTask* const front = std::exchange(first_, first_->next);
    if (first_ == nullptr) last_ = nullptr;
    return TaskRef(front);
  }

 private:
  RemoteTask* first_ = nullptr;
  RemoteTask* last_ = nullptr;
};

}  // namespace pools::detail
