#include "harness/cli/times_output.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace harness {

std::vector<model::TaskTimes> relative_times(const Trace& trace, std::span<const std::int64_t> arrivals_ns) {
  std::vector<model::TaskTimes> tasks;
  if (trace.tasks.empty()) return tasks;
  std::int64_t first = trace.tasks.front().submitted_ns;
  for (const TaskTrace& task : trace.tasks) first = std::min(first, task.submitted_ns);
  if (!arrivals_ns.empty()) first = trace.tasks.front().arrived_ns - arrivals_ns.front();
  tasks.reserve(trace.tasks.size());
  for (const TaskTrace& task : trace.tasks) {
    model::TaskTimes times;
    if (task.rejected) {
      times.start_ns = times.finish_ns = model::kNever;
      tasks.push_back(times);
      continue;
    }
    times.start_ns = task.started_ns - first;
    times.finish_ns = task.finished_ns - first;
    if (task.callback_started_ns != kNoStamp) {
      times.callback_start_ns = task.callback_started_ns - first;
      times.callback_finish_ns = task.callback_finished_ns - first;
    }
    tasks.push_back(times);
  }
  return tasks;
}

std::string exact_ms(std::int64_t ns) { return fmt::format("{}.{:06} ms", ns / 1'000'000, ns % 1'000'000); }

void append_json(const std::vector<model::TaskTimes>& tasks, std::string& out, std::span<const std::int64_t> arrivals_ns) {
  // Written by hand: a document of a million tasks would spend seconds in a tree of values.
  auto to = std::back_inserter(out);
  out += '[';
  for (const model::TaskTimes& times : tasks) {
    if (&times != tasks.data()) out += ", ";
    out += '{';
    if (!arrivals_ns.empty())
      fmt::format_to(to, R"("arrival_ns": {}, )", arrivals_ns[static_cast<std::size_t>(&times - tasks.data())]);
    if (times.start_ns == model::kNever) {
      out += R"("rejected": true)";
    } else if (times.callback_start_ns == model::kNever) {
      fmt::format_to(to, R"("start_ns": {}, "finish_ns": {}, "callback_start_ns": null, "callback_finish_ns": null)",
                     times.start_ns, times.finish_ns);
    } else {
      fmt::format_to(to, R"("start_ns": {}, "finish_ns": {}, "callback_start_ns": {}, "callback_finish_ns": {})", times.start_ns,
                     times.finish_ns, times.callback_start_ns, times.callback_finish_ns);
    }
    if (times.resumed_ns != model::kNever) fmt::format_to(to, R"(, "resumed_ns": {})", times.resumed_ns);
    if (times.callback_resumed_ns != model::kNever) {
      fmt::format_to(to, R"(, "callback_resumed_ns": {})", times.callback_resumed_ns);
    }
    out += '}';
  }
  out += ']';
}

void append_table(const std::vector<model::TaskTimes>& tasks, std::string& out, std::size_t most, std::size_t ends,
                  std::span<const std::int64_t> arrivals_ns) {
  auto to = std::back_inserter(out);
  fmt::format_to(to, "{:>8}", "task");
  if (!arrivals_ns.empty()) fmt::format_to(to, "  {:>16}", "arrival [ms]");
  fmt::format_to(to, "  {:>16}  {:>16}  {:>16}  {:>16}\n", "start [ms]", "finish [ms]", "callback start", "callback end");
  const auto append = [&](std::int64_t ns) {
    if (ns == model::kNever) {
      fmt::format_to(to, "  {:>16}", "-");
    } else {
      fmt::format_to(to, "  {:>9}.{:06}", ns / 1'000'000, ns % 1'000'000);  // exact
    }
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks.size() > most && i == ends) {
      fmt::format_to(to, "{:>8}  {} more tasks; --json has them all\n", "...", tasks.size() - 2 * ends);
      i = tasks.size() - ends;
    }
    fmt::format_to(to, "{:>8}", i + 1);
    if (!arrivals_ns.empty()) append(arrivals_ns[i]);
    append(tasks[i].start_ns);
    append(tasks[i].finish_ns);
    append(tasks[i].callback_start_ns);
    append(tasks[i].callback_finish_ns);
    out += '\n';
  }
}

}  // namespace harness
