#pragma once

#include <cstddef>
#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// The caller parses in submission order, after it has submitted every task.
struct Collect {
  static constexpr std::string_view kName = "collect";
  static constexpr std::string_view kSummary = "the caller, in submission order, after all submits";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::the_caller;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_workers<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    auto submitted = submit_each(recorder, [&](int task) { return executor.template submit<&run_task>(recorder.task(task)); });
    for (std::size_t i = 0; i < submitted.futures.size(); ++i) {
      const workloads::Outcome& outcome = submitted.futures[i].result();
      recorder.task_ran(submitted.tasks[i], outcome);
      recorder.parse(submitted.tasks[i], outcome);
    }
  }
};

}  // namespace harness::strategy
