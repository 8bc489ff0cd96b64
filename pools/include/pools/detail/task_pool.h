#pragma once

// A pool of other processes as its tasks, and the templates that make them, see it: where they are submitted to.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "pools/detail/future_state.h"
#include "pools/detail/remote_task.h"

namespace pools::detail {

// The inside of a pool. Thread-safe.
class TaskPool : public CallbackSink {
 public:
  // A task that was cancelled before is dropped. Throws ShutdownError, BrokenPoolError, QueueFullError; the task is untouched then.
  // `bounded`: the bound of the queue applies (unless the caller is a thread of the pool's own).
  virtual void submit(TaskRef& task, bool bounded) = 0;
  // A task that was running has been cancelled.
  virtual void kill_worker_of(const RemoteTask& task) noexcept = 0;
  // Throws Error, which calls the pool `what`, in a fork of the process that made it.
  virtual void require_own_process(const char* what) const = 0;
  // Throws std::invalid_argument. It lives as long as the pool's inside.
  virtual RemoteGroup& find_group(const std::string& name) const = 0;

 protected:
  TaskPool() = default;
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;
  ~TaskPool() = default;
};

// Keeps it alive.
class TaskPoolRef {
 public:
  TaskPoolRef(std::shared_ptr<TaskPool> pool, std::uint64_t max_payload) noexcept
      : pool_(std::move(pool)), max_payload_(max_payload) {}

  void submit(TaskRef& task, bool bounded = true) const { pool_->submit(task, bounded); }
  void require_own_process(const char* what) const { pool_->require_own_process(what); }
  // Null without a name. Throws std::invalid_argument.
  RemoteGroup* find_group(const std::string& name) const { return name.empty() ? nullptr : &pool_->find_group(name); }
  CallbackSink* sink() const noexcept { return pool_.get(); }
  std::uint64_t max_payload() const noexcept { return max_payload_; }  // bytes of a task's arguments; 0: no limit
  const std::shared_ptr<TaskPool>& pool() const noexcept { return pool_; }

 private:
  std::shared_ptr<TaskPool> pool_;
  std::uint64_t max_payload_;
};

}  // namespace pools::detail
