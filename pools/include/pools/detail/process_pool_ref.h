#pragma once

// A process pool as templates see it: where tasks are submitted to. Keeps the inside of the pool alive.

#include <cstdint>
#include <memory>

#include "pools/detail/future_state.h"
#include "pools/detail/remote_task.h"

namespace pools::detail {

class ProcessPoolCore;

class ProcessPoolRef {
 public:
  explicit ProcessPoolRef(std::shared_ptr<ProcessPoolCore> core) noexcept;

  // A task that was cancelled before is dropped. Throws ShutdownError, BrokenPoolError, QueueFullError; the task is untouched then.
  // `bounded`: the bound of the queue applies (unless the caller is a thread of the pool's own).
  void submit(TaskRef& task, bool bounded = true) const;
  CallbackSink* sink() const noexcept { return sink_; }
  std::uint64_t max_payload() const noexcept { return max_payload_; }  // ProcessPoolOptions::max_payload
  // Throws Error, which calls the pool `what`, in a fork of the process that made it.
  void require_own_process(const char* what) const;

  ProcessPoolCore* operator->() const noexcept { return core_.get(); }
  const std::shared_ptr<ProcessPoolCore>& core() const noexcept { return core_; }

 private:
  std::shared_ptr<ProcessPoolCore> core_;
  CallbackSink* sink_;
  std::uint64_t max_payload_;
};

}  // namespace pools::detail
