#include "harness/engine/strategies/recorder.h"

#include <unistd.h>

#include <utility>

#include "harness/engine/strategies/work_functions.h"

namespace harness {

Recorder::Recorder(const PreparedCell& prepared) : prepared_(prepared), gate_(prepared.cell.tasks) {
  trace_.tasks.resize(static_cast<std::size_t>(prepared.cell.tasks));
  trace_.main_pid = ::getpid();
  trace_.submitter_tid = ::gettid();
}

void Recorder::submitting(int index) noexcept {
  trace_.tasks[static_cast<std::size_t>(index)].submitted_ns = workloads::monotonic_ns();
}

void Recorder::releasing(int index, const Generator::Release& release) noexcept {
  TaskTrace& task = trace_.tasks[static_cast<std::size_t>(index)];
  task.arrived_ns = release.arrived_ns;
  task.due_ns = release.due_ns;
  task.submitted_ns = workloads::monotonic_ns();
}

void Recorder::rejected(int index) noexcept {
  trace_.tasks[static_cast<std::size_t>(index)].rejected = true;
  gate_.count_down();
}

void Recorder::submitting_all() noexcept {
  const std::int64_t now = workloads::monotonic_ns();
  for (TaskTrace& task : trace_.tasks) task.submitted_ns = now;
}

void Recorder::submitted_all() noexcept { trace_.submit_ns = workloads::monotonic_ns() - trace_.tasks.front().submitted_ns; }

void Recorder::task_ran(int index, const workloads::Outcome& outcome) noexcept {
  TaskTrace& task = trace_.tasks[static_cast<std::size_t>(index)];
  task.started_ns = outcome.started_ns;
  task.finished_ns = outcome.finished_ns;
  task.pid = outcome.pid;
  task.tid = outcome.tid;
  task.cpu_ns = outcome.cpu_ns;
  task.delayed_ns = outcome.delayed_ns;
  task.digest = outcome.digest;
  if (outcome.host == process_host()) return;
  task.host = outcome.host;
  task.answered_ns = workloads::monotonic_ns();
}

void Recorder::callback_ran(int index, const workloads::Outcome& outcome) noexcept {
  TaskTrace& task = trace_.tasks[static_cast<std::size_t>(index)];
  task.callback_started_ns = outcome.started_ns;
  task.callback_finished_ns = outcome.finished_ns;
  task.callback_pid = outcome.pid;
  task.callback_tid = outcome.tid;
  task.callback_cpu_ns = outcome.cpu_ns;
  task.callback_delayed_ns = outcome.delayed_ns;
  task.callback_digest = outcome.digest;
  if (outcome.host != process_host()) task.callback_host = outcome.host;
}

void Recorder::parse(int index, const workloads::Outcome& task_outcome) {
  workloads::Outcome outcome = workloads::execute(callback(index), process_context(), task_outcome.body);
  outcome.host = process_host();
  callback_ran(index, outcome);
}

void Recorder::wait() {
  gate_.wait();
  const std::lock_guard lock(mutex_);
  if (first_error_) std::rethrow_exception(first_error_);
}

Trace Recorder::take() && { return std::move(trace_); }

void Recorder::fail(std::exception_ptr error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!first_error_) first_error_ = std::move(error);
}

}  // namespace harness
