#pragma once

// A thread pool as templates see it: where tasks are submitted to. Keeps the inside of the pool alive.

#include <memory>
#include <utility>

#include "pools/detail/future_state.h"
#include "pools/detail/task.h"
#include "pools/options.h"

namespace pools::detail {

class ThreadPoolCore;

class ThreadPoolRef {
 public:
  explicit ThreadPoolRef(std::shared_ptr<ThreadPoolCore> core) noexcept;

  // state: the task's, or null. The caller owns a reference of its own. Throws as ThreadPool::submit does.
  template <class T>
  void submit(Owned<T> task, FutureState* state, const TaskOptions* options = nullptr) const {
    submit_job(*core_, *task, state, options);   // throws: the task is still ours
    task.release();
  }
  // Runs callbacks where ThreadPoolOptions::callbacks says.
  CallbackSink* sink() const noexcept { return sink_; }

  ThreadPoolCore* operator->() const noexcept { return core_.get(); }
  std::shared_ptr<ThreadPoolCore> share() const noexcept { return core_; }

 private:
  static void submit_job(ThreadPoolCore& core, Job& job, FutureState* state, const TaskOptions* options);

  std::shared_ptr<ThreadPoolCore> core_;
  CallbackSink* sink_;
};

}  // namespace pools::detail
