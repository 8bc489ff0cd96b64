#include "harness/engine/strategies/work_functions.h"

#include <sys/prctl.h>

#include <string_view>
#include <utility>

namespace harness {
namespace {

workloads::RunContext context_of_process;
std::uint64_t host_of_process = 0;

workloads::Outcome done_here(const workloads::Work& work, std::string_view input = {}) {
  workloads::Outcome outcome = workloads::execute(work, context_of_process, input);
  outcome.host = host_of_process;
  return outcome;
}

workloads::Outcome run_callback(workloads::Work callback, const workloads::Outcome& task) {
  return done_here(callback, task.body);
}

TaskAndCallback without_bodies(TaskAndCallback both) {
  both.task.body.clear();
  both.callback.body.clear();
  return both;
}

}  // namespace

void enter_measured_process(const workloads::RunContext& context) {
  context_of_process = context;
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

void enter_host(std::uint64_t host) { host_of_process = host; }

std::uint64_t process_host() { return host_of_process; }

const workloads::RunContext& process_context() { return context_of_process; }

workloads::Outcome run_task(workloads::Work task) { return done_here(task); }

NumberedOutcome run_numbered_task(workloads::Work task, std::int32_t number) { return {number, run_task(task)}; }

TaskAndCallback run_fused(workloads::Work task, workloads::Work callback) {
  TaskAndCallback both;
  both.task = done_here(task);
  both.callback = done_here(callback, both.task.body);
  return without_bodies(std::move(both));
}

TaskAndCallback run_task_then_callback(workloads::Work task, workloads::Work callback) {
  TaskAndCallback both;
  both.task = run_task(task);
  both.callback = run_callback(callback, both.task);
  return without_bodies(std::move(both));
}

Handover run_task_to_hand_over(workloads::Work task, workloads::Work callback) { return {run_task(task), callback}; }

TaskAndCallback parse_handed_over(Handover handover) {
  TaskAndCallback both;
  both.task = std::move(handover.task);
  both.callback = run_callback(handover.callback, both.task);
  return without_bodies(std::move(both));
}

}  // namespace harness
