#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// No callbacks.
struct None {
  static constexpr std::string_view kName = "none";
  static constexpr std::string_view kSummary = "no callbacks";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::nobody;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return kDefined;
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    auto submitted = submit_each(recorder, [&](int task) { return executor.template submit<&run_task>(recorder.task(task)); });
    await_each(submitted, [&](int task, const workloads::Outcome& outcome) { recorder.task_ran(task, outcome); });
  }
};

}  // namespace harness::strategy
