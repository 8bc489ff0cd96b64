#include "harness/engine/strategies/loop_functions.h"

namespace harness {

using workloads::Async;
using workloads::EventLoop;
using workloads::execute_on;
using workloads::Outcome;
using workloads::Work;

namespace {

TaskAndCallback pair_without_bodies(Outcome task, Outcome callback) {
  task.body.clear();
  callback.body.clear();
  return {std::move(task), std::move(callback)};
}

}  // namespace

Async<Outcome> run_task_on(EventLoop& loop, Work task) { return execute_on(loop, task, process_context()); }

Async<NumberedOutcome> run_numbered_task_on(EventLoop& loop, Work task, std::int32_t number) {
  Outcome outcome = co_await run_task_on(loop, task);
  co_return NumberedOutcome{number, std::move(outcome)};
}

Async<TaskAndCallback> run_fused_on(EventLoop& loop, Work task, Work callback) {
  Outcome done = co_await run_task_on(loop, task);
  Outcome parsed = co_await execute_on(loop, callback, process_context(), done.body);
  co_return pair_without_bodies(std::move(done), std::move(parsed));
}

Async<TaskAndCallback> run_task_then_callback_on(EventLoop& loop, Work task, Work callback) {
  Outcome done = co_await run_task_on(loop, task);
  workloads::OnLoop on(loop);
  co_await on.yield();
  Outcome parsed = co_await execute_on(loop, callback, process_context(), done.body);
  co_return pair_without_bodies(std::move(done), std::move(parsed));
}

Async<Handover> run_task_to_hand_over_on(EventLoop& loop, Work task, Work callback) {
  Outcome done = co_await run_task_on(loop, task);
  co_return Handover{std::move(done), callback};
}

}  // namespace harness
