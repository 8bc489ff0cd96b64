#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// One function does the task and parses its result; the stamps still tell the two apart.
struct Fused {
  static constexpr std::string_view kName = "fused";
  static constexpr std::string_view kSummary = "nobody: the parsing is part of the task";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::the_worker;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return kDefined;
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    auto submitted = submit_each(recorder, [&](int task) {
      return executor.template submit<&run_fused>(recorder.task(task), recorder.callback(task));
    });
    await_each(submitted, [&](int task, const TaskAndCallback& both) {
      recorder.task_ran(task, both.task);
      recorder.callback_ran(task, both.callback);
    });
  }
};

}  // namespace harness::strategy
