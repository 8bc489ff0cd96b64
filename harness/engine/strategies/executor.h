#pragma once

// What a strategy asks of an executor, and how it says that an executor cannot give it.
//
// An executor type E has
//   static constexpr WorkersAre kWorkers;
//   static constexpr bool kHasMap;
//   submit<&fn>(args...)                           -> a future: result() waits and gives const R&
//   and, unless its workers are the caller,
//   submit_with_callback<&fn>(callback, args...)   -> the callback is attached before the task can run
//   pools::Future as the future, for as_completed and then_in
//   map<&fn>(range, ranges..., pools::MapOptions)  -> a lazy range of results, if kHasMap

#include <string_view>

#include "harness/engine/strategies/strategy.h"

namespace harness {

// loop_threads: of an event loop; a task that waits holds none of them.
enum class WorkersAre { the_caller, threads, processes, loop_threads };

// On which thread of the main process done callbacks run: the worker that ran the task, or one thread that does nothing
// else.
enum class CallbacksOn { worker, callback_thread };

// Reasons to skip, as the plan lists them. Empty: the strategy is defined on the executor.
inline constexpr std::string_view kDefined;
inline constexpr std::string_view kNoChunksOnLoops =
    "a chunk is what a worker takes at once, and on an event loop a task that waits occupies none";

template <class Executor>
constexpr std::string_view needs_workers() {
  return Executor::kWorkers == WorkersAre::the_caller
             ? "tasks run inside submit, so a callback is either part of the task (fused) or follows it (sync)"
             : kDefined;
}

template <class Executor>
constexpr std::string_view needs_map() {
  if (Executor::kWorkers == WorkersAre::loop_threads) return kNoChunksOnLoops;
  return Executor::kHasMap ? kDefined : "the backend has no map";
}

}  // namespace harness
