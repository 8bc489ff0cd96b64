#include "harness/validate/tutorial_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>
#include <utility>

#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/simulate.h"
#include "harness/model/statistics.h"
#include "harness/plan/model_case.h"

namespace harness::cpython {
namespace {

using Times = std::vector<std::int64_t>;

std::string list_of(const Times& times_ms, int divisor) {
  std::string list;
  for (const std::int64_t ms : times_ms) {
    list += fmt::format("{}\"{}us\"", list.empty() ? "" : ", ", ms * 1'000 / divisor);
  }
  return '[' + list + ']';
}

// Who ran the callbacks of a repetition, by the ids that were measured.
std::string callbacks_by(const Trace& trace) {
  std::set<std::int32_t> task_processes, processes, threads;
  bool same_thread = true;
  for (const TaskTrace& task : trace.tasks) {
    if (task.callback_started_ns == kNoStamp) return "nobody";
    task_processes.insert(task.pid);
    processes.insert(task.callback_pid);
    threads.insert(task.callback_tid);
    same_thread = same_thread && task.callback_tid == task.tid;
  }
  if (same_thread) return "the worker";
  // Whoever runs no task of a process pool is the main process or a parser.
  const bool in_process_of_tasks = task_processes.contains(*processes.begin());
  if (processes.size() > 1) return fmt::format("{} other processes", processes.size());
  if (in_process_of_tasks) return fmt::format("{} thread{} of the process", threads.size(), threads.size() == 1 ? "" : "s");
  return threads.size() == 1 ? "one thread of the main process" : fmt::format("{} threads of the main process", threads.size());
}

std::string ms_text(std::optional<std::int64_t> ns) {
  return ns ? fmt::format("{:.1f} ms", static_cast<double>(*ns) / 1e6) : "-";
}

std::optional<std::int64_t> tutorial_ns(const Example& example, int divisor) {
  if (example.tutorial_us < 0) return std::nullopt;
  return example.tutorial_us * 1'000 / divisor;
}

std::string measured_text(const Side& side) {
  return side.median_ns ? ms_text(side.median_ns) : std::string(side.failed > 0 ? "failed" : "-");
}

nlohmann::ordered_json side_json(const Side& side) {
  nlohmann::ordered_json json;
  json["median_ns"] = side.median_ns ? nlohmann::ordered_json(*side.median_ns) : nlohmann::ordered_json(nullptr);
  json["makespans_ns"] = side.makespans_ns;
  json["failed"] = side.failed;
  json["model_ns"] = side.model_ns;
  json["callbacks_by"] = side.callbacks_by;
  return json;
}

}  // namespace

std::span<const Example> examples() {
  static const std::vector<Example> kExamples = {
      {.id = "thread_unequal",
       .english = "threads, tasks 1 2 3 4 s, callback 1 s",
       .pool = "thread",
       .workload = "sleep",
       .strategy = "worker",
       .tasks_ms = {1'000, 2'000, 3'000, 4'000},
       .callbacks_ms = Times(4, 1'000),
       .tutorial_us = 5'000'000},
      {.id = "thread_equal",
       .english = "threads, tasks 5 s, callback 1 s",
       .pool = "thread",
       .workload = "sleep",
       .strategy = "worker",
       .tasks_ms = Times(4, 5'000),
       .callbacks_ms = Times(4, 1'000),
       .tutorial_us = 6'000'000},
      {.id = "process_unequal",
       .english = "processes, tasks 1 2 3 4 s, callback 1 s",
       .pool = "process",
       .workload = "sleep",
       .strategy = "main",
       .tasks_ms = {1'000, 2'000, 3'000, 4'000},
       .callbacks_ms = Times(4, 1'000),
       .tutorial_us = 5'032'137,
       .printed = true},
      {.id = "process_equal",
       .english = "processes, tasks 5 s, callback 1 s",
       .pool = "process",
       .workload = "sleep",
       .strategy = "main",
       .tasks_ms = Times(4, 5'000),
       .callbacks_ms = Times(4, 1'000),
       .tutorial_us = 9'036'000,
       .printed = true},
      {.id = "remedy",
       .english = "the same, parsed by 4 more processes",
       .pool = "process",
       .workload = "sleep",
       .strategy = "extra",
       .parsers = 4,
       .tasks_ms = Times(4, 5'000),
       .callbacks_ms = Times(4, 1'000),
       .tutorial_us = 6'000'000},
      // What the tutorial says without a figure: computing belongs into processes.
      {.id = "compute_threads",
       .english = "threads, 4 tasks that compute for 1 s",
       .pool = "thread",
       .workload = "spin",
       .strategy = "none",
       .tasks_ms = Times(4, 1'000),
       .callbacks_ms = Times(4, 0)},
      {.id = "compute_processes",
       .english = "processes, 4 tasks that compute for 1 s",
       .pool = "process",
       .workload = "spin",
       .strategy = "none",
       .tasks_ms = Times(4, 1'000),
       .callbacks_ms = Times(4, 0)},
      // Where CPython's pool differs from a plain one: a callback keeps the thread that feeds the workers from doing so.
      // The sixth task finds no place among what is in flight at first: 3 to 5 jobs (workers + 1 queued, and those that the
      // workers took while the rest was submitted).
      {.id = "starved",
       .english = "2 processes, tasks .8 1 0 0 0 4 s, cb 4 s",
       .pool = "process",
       .workload = "sleep",
       .strategy = "main",
       .workers = 2,
       .tasks_ms = {800, 1'000, 0, 0, 0, 4'000},
       .callbacks_ms = {4'000, 0, 0, 0, 0, 0}},
  };
  return kExamples;
}

std::string tutorial_suite(int divisor, int runs) {
  std::string text = fmt::format(
      "name = \"python\"\ndescription = \"The tutorial's examples on CPython's executors and on poolbench's\"\n"
      "runs = {}\nwarmup = 0\ntimeout = \"60s\"\norder = \"random\"\nseed = 1\n",
      runs);
  for (const Example& example : examples()) {
    for (const std::string_view prefix : {"cpython_", ""}) {
      text += fmt::format("\n[[case]]  # {}\nbackend = \"{}{}\"\nworkers = {}\nworkload = \"{}\"\nstrategy = \"{}\"\n",
                          example.id, prefix, example.pool, example.workers, example.workload, example.strategy);
      if (example.parsers > 0) text += fmt::format("parsers = {}\n", example.parsers);
      text += fmt::format("task = {}\n", list_of(example.tasks_ms, divisor));
      if (has_callbacks(example.strategy)) text += fmt::format("callback = {}\n", list_of(example.callbacks_ms, divisor));
    }
  }
  return text;
}

std::vector<ExampleResult> evaluate(const Plan& plan, const std::vector<CollectingSink::Repetition>& repetitions,
                                    const workloads::Calibration& calibration) {
  std::unordered_map<std::string, Side> sides;
  for (const PlannedCell& planned : plan.cells) {
    Side& side = sides[planned.cell.cell_id];
    side.cell = planned.cell;
    side.model_ns = model::simulate(modelled_case(planned.cell, calibration).model_case).makespan_ns;
  }
  for (const auto& [sample, trace] : repetitions) {
    Side& side = sides[sample.cell_id];
    if (sample.is_warmup != 0) continue;
    if (sample.status == "ok") {
      side.makespans_ns.push_back(sample.makespan_ns);
    } else {
      ++side.failed;
      side.error = sample.status + ": " + sample.error;
    }
    if (trace) {
      // Repetitions that disagree are told apart, not averaged away.
      const std::string by = callbacks_by(*trace);
      if (side.callbacks_by.empty()) side.callbacks_by = by;
      if (side.callbacks_by != by) side.callbacks_by = "differs";
    }
  }
  for (auto& [cell_id, side] : sides) {
    std::sort(side.makespans_ns.begin(), side.makespans_ns.end());
    if (!side.makespans_ns.empty()) side.median_ns = model::median(side.makespans_ns);
  }
  std::vector<ExampleResult> results;
  for (std::size_t i = 0; i < examples().size(); ++i) {
    results.push_back({&examples()[i], sides.at(plan.cells[2 * i].cell.cell_id), sides.at(plan.cells[2 * i + 1].cell.cell_id)});
  }
  return results;
}

std::string table_text(const std::vector<ExampleResult>& results, const drivers::Record& python, int divisor, const Look& look) {
  std::string title = fmt::format("The tutorial's examples on {} {}, GIL {}", python.language, python.version,
                                  python.one_lock ? "enabled" : "disabled");
  if (divisor != 1) title += fmt::format("; every time, the tutorial's figures too, divided by {}", divisor);
  std::string text = hang(title + ".", 0, look.columns) + "Medians.\n\n";
  TextTable table(
      {{"   example (4 workers)", TextTable::Column::words}, {"tutorial "}, {"CPython"}, {"poolbench"}, {"exact model"}});
  bool differ = false;
  std::vector<std::pair<std::string, std::string>> run_by;  // who, the numbers of the examples
  for (std::size_t number = 1; const ExampleResult& result : results) {
    const auto figure = tutorial_ns(*result.example, divisor);
    std::string model = ms_text(result.python.model_ns);
    if (ms_text(result.here.model_ns) != model) {
      model = fmt::format("{:.1f} | {}", static_cast<double>(result.python.model_ns) / 1e6, ms_text(result.here.model_ns));
      differ = true;
    }
    table.row({fmt::format("{:>2} {}", number, result.example->english), ms_text(figure) + (result.example->printed ? "*" : " "),
               measured_text(result.python), measured_text(result.here), model});
    const std::string& who = result.python.callbacks_by;
    const auto known = std::find_if(run_by.begin(), run_by.end(), [&](const auto& entry) { return entry.first == who; });
    if (known != run_by.end()) {
      known->second += fmt::format(", {}", number);
    } else if (!who.empty() && has_callbacks(result.example->strategy)) {
      run_by.emplace_back(who, fmt::format("{}", number));
    }
    ++number;
  }
  text += table.text(look.columns);
  text += "\n* printed by its program; the others follow from its formula\n";
  if (differ)
    text +=
        hang("a | b: CPython's executor (GIL, callbacks on the thread that feeds the workers) | poolbench's", 0, look.columns);
  for (const auto& [who, numbers] : run_by)
    text += hang(fmt::format("callbacks in CPython were run by {}: {}", who, numbers), 0, look.columns);
  for (const ExampleResult& result : results) {
    for (const Side* const side : {&result.python, &result.here}) {
      if (side->failed > 0)
        text += fmt::format("{}: {}\n",
                            painted(fmt::format("{} on {}: {} failed", result.example->id, side->cell.backend, side->failed),
                                    Paint::bad, look),
                            side->error);
    }
  }
  return text;
}

std::string table_json(const std::vector<ExampleResult>& results, const drivers::Record& python, int divisor,
                       const std::string& noise) {
  nlohmann::ordered_json json;
  json["python"] = {{"implementation", python.language},
                    {"version", python.version},
                    {"gil", python.one_lock},
                    {"executable", python.executable},
                    {"spin_units_per_ns", python.spin_units_per_ns}};
  json["divisor"] = divisor;
  for (const ExampleResult& result : results) {
    const auto figure = tutorial_ns(*result.example, divisor);
    nlohmann::ordered_json example;
    example["id"] = result.example->id;
    example["example"] = result.example->english;
    example["tutorial_ns"] = figure ? nlohmann::ordered_json(*figure) : nlohmann::ordered_json(nullptr);
    example["printed"] = result.example->printed;
    example["cpython"] = side_json(result.python);
    example["poolbench"] = side_json(result.here);
    json["examples"].push_back(std::move(example));
  }
  json["noise"] = noise;
  return json.dump(2) + '\n';
}

}  // namespace harness::cpython
