#pragma once

// A thread pool as templates see it: where tasks are submitted to. Keeps the inside of the pool alive.

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "pools/detail/future_state.h"
#include "pools/detail/task.h"
#include "pools/future.h"
#include "pools/options.h"

namespace pools::detail {

class ThreadPoolCore;

class ThreadPoolRef {
 public:
  explicit ThreadPoolRef(std::shared_ptr<ThreadPoolCore> core) noexcept;

  // state: the task's, or null. The caller owns a reference of its own. Throws as ThreadPool::submit does.
  template <class T>
  void submit(Owned<T> task, FutureState* state, const TaskOptions* options = nullptr) const {
    submit_job(*core_, *task, state, options);  // throws: the task is still ours
    static_cast<void>(task.release());
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

// The future of call() on a worker. Callback: std::nullptr_t for none. Throws as ThreadPool::submit does.
template <class Call, class Callback = std::nullptr_t>
auto submit_call(const ThreadPoolRef& core, Call call, const TaskOptions* options = nullptr, Callback&& callback = nullptr) {
  using R = std::decay_t<std::invoke_result_t<Call>>;
  auto task = make_task<R>(std::move(call));
  task->set_sink(core.sink());
  if constexpr (!std::is_null_pointer_v<std::decay_t<Callback>>) {
    task->attach_before_sharing(FutureAccess::make_callback<R>(std::forward<Callback>(callback)));
  }
  task->add_reference_before_sharing();
  FutureState* const state = task.get();
  Future<R> future = FutureAccess::adopt<R>(task.get());
  core.submit(std::move(task), state, options);
  return future;
}

}  // namespace pools::detail
