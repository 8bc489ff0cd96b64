#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// The worker that ran the task runs its callback before it takes the next task: on threads as a done callback; in a
// worker process, where no future is, as a second call after the task. On an event loop, where a task holds no worker, the callback is the
// task's continuation: any thread of the loop runs it when all that was ready before it has had its turn.
struct Worker {
  static constexpr std::string_view kName = "worker";
  static constexpr std::string_view kSummary = "the worker that ran the task, before it takes the next one";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::the_worker;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_workers<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    if constexpr (Executor::kWorkers == WorkersAre::processes || Executor::kWorkers == WorkersAre::loop_threads) {
      auto submitted = submit_each(recorder, [&](int task) {
        return executor.template submit<&run_task_then_callback>(recorder.task(task), recorder.callback(task));
      });
      await_each(submitted, [&](int task, const TaskAndCallback& both) {
        recorder.task_ran(task, both.task);
        recorder.callback_ran(task, both.callback);
      });
    } else {
      release_each(recorder, [&](int task) {
        executor.template submit_with_callback<&run_task>([&recorder, task](auto done) { recorder.deliver(task, done); },
                                                          recorder.task(task));
      });
      recorder.wait();
    }
  }
};

}  // namespace harness::strategy
