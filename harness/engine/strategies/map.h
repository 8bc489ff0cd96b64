#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// pool.map over the tasks; the caller parses in submission order. `chunksize` consecutive tasks travel as one job and
// come back together; a pool of threads ignores it.
struct Map {
  static constexpr std::string_view kName = "map";
  static constexpr std::string_view kSummary = "the caller, in submission order, from map with a chunksize";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::worker;
  static constexpr CallbackBy kCallbackBy = CallbackBy::the_caller;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = true;
  static constexpr std::string_view kNoArrivals = "it is given all tasks at once";

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_map<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    recorder.submitting_all();
    auto outcomes = executor.template map<&run_task>(recorder.works(), recorder.cell().chunksize);
    recorder.submitted_all();
    for (int task = 0; auto&& outcome : outcomes) {
      recorder.task_ran(task, outcome);
      recorder.parse(task++, outcome);
    }
  }
};

}  // namespace harness::strategy
