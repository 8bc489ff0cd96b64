#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// The caller waits for each result and parses it before it submits the next task: the tutorial's "synchronous"
// submitting.
struct Sync {
  static constexpr std::string_view kName = "sync";
  static constexpr std::string_view kSummary = "the caller, after each result, before the next submit";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::the_caller;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = "nobody submits before the callback before has ended";

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return kDefined;
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    for (int task = 0; task < recorder.tasks(); ++task) {
      recorder.submitting(task);
      auto future = executor.template submit<&run_task>(recorder.task(task));
      if (task + 1 == recorder.tasks()) recorder.submitted_all();
      const workloads::Outcome& outcome = future.result();
      recorder.task_ran(task, outcome);
      recorder.parse(task, outcome);
    }
  }
};

}  // namespace harness::strategy
