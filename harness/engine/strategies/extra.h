#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"
#include "pools/process_pool.h"

namespace harness::strategy {

// The tutorial's remedy: no callback; each result is handed to a pool of parser processes as soon as it is there.
struct Extra {
  static constexpr std::string_view kName = "extra";
  static constexpr std::string_view kSummary = "extra parser processes that the results are handed to";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::parsers;
  static constexpr bool kUsesParsers = true;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_workers<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder, pools::ProcessPool& parsers) {
    auto submitted = submit_each(recorder, [&](int task) {
      return executor.template submit<&run_task_to_hand_over>(recorder.task(task), recorder.callback(task))
          .template then_in<&parse_handed_over>(parsers);
    });
    await_each(submitted, [&](int task, const TaskAndCallback& both) {
      recorder.task_ran(task, both.task);
      recorder.callback_ran(task, both.callback);
    });
  }
};

}  // namespace harness::strategy
