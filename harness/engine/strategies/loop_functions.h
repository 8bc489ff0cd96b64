#pragma once

// The functions of work_functions.h in the form that an event loop runs them: LoopForm<&run_task>::run(loop, task) is to be awaited, and
// gives what run_task(task) does.

#include <cstdint>
#include <utility>

#include "harness/engine/strategies/work_functions.h"
#include "workloads/async.h"
#include "workloads/event_loop.h"
#include "workloads/work.h"

namespace harness {

workloads::Async<workloads::Outcome> run_task_on(workloads::EventLoop& loop, workloads::Work task);
workloads::Async<NumberedOutcome> run_numbered_task_on(workloads::EventLoop& loop, workloads::Work task, std::int32_t number);
workloads::Async<TaskAndCallback> run_fused_on(workloads::EventLoop& loop, workloads::Work task, workloads::Work callback);
// The callback has its turn behind all that is ready when the task ends.
workloads::Async<TaskAndCallback> run_task_then_callback_on(workloads::EventLoop& loop, workloads::Work task,
                                                            workloads::Work callback);
workloads::Async<Handover> run_task_to_hand_over_on(workloads::EventLoop& loop, workloads::Work task, workloads::Work callback);

template <auto Function>
struct LoopForm;

template <auto Form>
struct Runs {
  template <class... Args>
  static auto run(workloads::EventLoop& loop, Args&&... args) {
    return Form(loop, std::forward<Args>(args)...);
  }
};

template <>
struct LoopForm<&run_task> : Runs<&run_task_on> {};
template <>
struct LoopForm<&run_numbered_task> : Runs<&run_numbered_task_on> {};
template <>
struct LoopForm<&run_fused> : Runs<&run_fused_on> {};
template <>
struct LoopForm<&run_task_then_callback> : Runs<&run_task_then_callback_on> {};
template <>
struct LoopForm<&run_task_to_hand_over> : Runs<&run_task_to_hand_over_on> {};

}  // namespace harness
