#pragma once

#include <string_view>

#include "harness/engine/strategies/executor.h"
#include "harness/engine/strategies/recorder.h"
#include "harness/engine/strategies/submit_each.h"
#include "harness/engine/strategies/work_functions.h"

namespace harness::strategy {

// The pool's one callback thread in the main process runs all callbacks, in completion order; it is not the thread that
// dispatches tasks.
struct Main {
  static constexpr std::string_view kName = "main";
  static constexpr std::string_view kSummary = "the pool's one callback thread in the main process, in completion order";
  static constexpr CallbacksOn kCallbacks = CallbacksOn::callback_thread;
  static constexpr CallbackBy kCallbackBy = CallbackBy::callback_thread;
  static constexpr bool kUsesParsers = false;
  static constexpr bool kUsesChunks = false;
  static constexpr std::string_view kNoArrivals = kDefined;

  template <class Executor>
  static constexpr std::string_view skip_reason() {
    return needs_workers<Executor>();
  }

  template <class Executor>
  static void run(Executor& executor, Recorder& recorder) {
    release_each(recorder, [&](int task) {
      executor.template submit_with_callback<&run_task>([&recorder, task](auto done) { recorder.deliver(task, done); },
                                                        recorder.task(task));
    });
    recorder.wait();
  }
};

}  // namespace harness::strategy
