#include "harness/cli/times_output.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "harness/base/text_table.h"

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

std::string times_table(const std::vector<model::TaskTimes>& tasks, std::size_t page, std::size_t most, std::size_t ends,
                        std::span<const std::int64_t> arrivals_ns) {
  std::vector<TextTable::Heading> headings{{"task"}};
  if (!arrivals_ns.empty()) headings.push_back({"arrival [ms]"});
  headings.insert(headings.end(), {{"start [ms]"}, {"finish [ms]"}, {"callback start"}, {"callback end"}});
  TextTable table(std::move(headings));
  const auto exact = [](std::int64_t ns) {
    return ns == model::kNever ? "-" : fmt::format("{}.{:06}", ns / 1'000'000, ns % 1'000'000);
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks.size() > most && i == ends) {
      table.line(fmt::format("... {} more tasks; --json has them all", tasks.size() - 2 * ends));
      i = tasks.size() - ends;
    }
    std::vector<std::string> cells{std::to_string(i + 1)};
    if (!arrivals_ns.empty()) cells.push_back(exact(arrivals_ns[i]));
    for (const std::int64_t ns :
         {tasks[i].start_ns, tasks[i].finish_ns, tasks[i].callback_start_ns, tasks[i].callback_finish_ns}) {
      cells.push_back(exact(ns));
    }
    table.row(std::move(cells));
  }
  return table.text(page);
}

}  // namespace harness
