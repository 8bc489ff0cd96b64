#pragma once

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

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_workers<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    auto futures = submit_each(recorder, [&](int task) { return executor.template submit<&run_task>(recorder.task(task)); });
    for (int task = 0; auto& future : futures) {
      const workloads::Outcome& outcome = future.result();
      recorder.task_ran(task, outcome);
      recorder.parse(task++, outcome);
    }
  }
};

}  // namespace harness::strategy
