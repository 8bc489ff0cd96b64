#pragma once

#include <cstdint>
#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"
#include "pools/future.h"

namespace harness::strategy {

// The caller parses in completion order, after it has submitted every task.
struct AsCompleted {
  static constexpr std::string_view kName = "as_completed";
  static constexpr std::string_view kSummary = "the caller, in completion order, after all submits";
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
    auto submitted = submit_each(recorder, [&](int task) {
      return executor.template submit<&run_numbered_task>(recorder.task(task), std::int32_t{task});
    });
    for (auto&& future : pools::as_completed(submitted.futures)) {
      const NumberedOutcome& done = future.result();
      recorder.task_ran(done.task, done.outcome);
      recorder.parse(done.task, done.outcome);
    }
  }
};

}  // namespace harness::strategy
