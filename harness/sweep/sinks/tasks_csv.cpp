#include "harness/sweep/sinks/tasks_csv.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

// Numbers the threads of a trace as tasks_csv.h has it.
std::map<Thread, int> number_threads(const Trace& trace) {
  std::vector<std::pair<std::int64_t, Thread>> tasks;
  std::vector<std::pair<std::int64_t, Thread>> callbacks;
  for (const TaskTrace& task : trace.tasks) {
    tasks.emplace_back(task.started_ns, task.thread());
    if (task.callback_started_ns != kNoStamp) {
      callbacks.emplace_back(task.callback_started_ns, task.callback_thread());
    }
  }
  std::map<Thread, int> numbers;
  for (auto* const uses : {&tasks, &callbacks}) {
    std::sort(uses->begin(), uses->end());
    for (const auto& [at, thread] : *uses) numbers.try_emplace(thread, static_cast<int>(numbers.size()));
  }
  return numbers;
}

}  // namespace

std::string tasks_csv_header() {
  return "cell_id,rep,task,worker,pid,tid,submitted_ns,started_ns,finished_ns,callback_started_ns,callback_finished_ns,"
         "callback_worker,callback_pid,callback_tid,digest\n";
}

std::string tasks_csv_rows(std::string_view cell_id, std::int64_t rep, const Trace& trace) {
  if (trace.tasks.empty()) return {};
  const std::map<Thread, int> numbers = number_threads(trace);
  std::int64_t origin = trace.tasks.front().submitted_ns;
  for (const TaskTrace& task : trace.tasks) origin = std::min(origin, task.submitted_ns);
  fmt::memory_buffer rows;
  auto out = std::back_inserter(rows);
  for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
    const TaskTrace& task = trace.tasks[i];
    fmt::format_to(out, "{},{},{},{},{},{},{},{},{},", csv_field(cell_id), rep, i, numbers.at(task.thread()), task.pid, task.tid,
                   task.submitted_ns - origin, task.started_ns - origin, task.finished_ns - origin);
    if (task.callback_started_ns == kNoStamp) {
      fmt::format_to(out, ",,,,,");
    } else {
      fmt::format_to(out, "{},{},{},{},{},", task.callback_started_ns - origin, task.callback_finished_ns - origin,
                     numbers.at(task.callback_thread()), task.callback_pid, task.callback_tid);
    }
    fmt::format_to(out, "{:016x}\n", task.digest);
  }
  return fmt::to_string(rows);
}

TasksCsvSink::TasksCsvSink(const std::filesystem::path& run_directory, const std::string& run_id)
    : file_(made_path_of_run(run_directory, "tasks", run_id)) {
  file_.append(tasks_csv_header());
}

void TasksCsvSink::row(const Cell& /*cell*/, const Sample& sample, const Trace* trace) {
  if (trace != nullptr && sample.status == "ok" && sample.is_warmup == 0) {
    file_.append(tasks_csv_rows(sample.cell_id, sample.rep, *trace));
  }
}

}  // namespace harness
