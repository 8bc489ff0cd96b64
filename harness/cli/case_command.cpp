// poolbench case: repetitions of one explicit case, beside its prediction.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/cli/case_options.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/times_output.h"
#include "harness/engine/backends/backend.h"
#include "harness/model/simulate.h"
#include "harness/model/statistics.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/model_case.h"
#include "harness/plan/plan.h"
#include "harness/plan/pythons.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "pools/cores.h"

namespace harness {
namespace {

using Repetitions = std::vector<CollectingSink::Repetition>;

std::optional<std::int64_t> median_makespan(const Repetitions& repetitions) {
  std::vector<std::int64_t> makespans;
  for (const auto& [sample, trace] : repetitions) {
    if (sample.status == "ok") makespans.push_back(sample.makespan_ns);
  }
  if (makespans.empty()) return std::nullopt;
  return model::median(makespans);
}

// Of a repetition whose tasks arrived: what results.csv has of it.
std::string arrivals_json(const Sample& sample) {
  return fmt::format(
      R"("sojourn_ns": {{"mean": {}, "p50": {}, "p95": {}, "p99": {}, "p999": {}, "max": {}}}, )"
      R"("release_lag_p99_ns": {}, "rejected": {}, "late_by_deadline": {}, "queue_max": {}, "completed_per_s": {}, )",
      sample.sojourn_mean_ns, sample.sojourn_p50_ns, sample.sojourn_p95_ns, sample.sojourn_p99_ns, sample.sojourn_p999_ns,
      sample.sojourn_max_ns, sample.release_lag_p99_ns, sample.rejected, sample.late_by_deadline, sample.queue_max,
      sample.completed_per_s);
}

// What the model says of a case. Of work of the user's own it says nothing.
struct Predicted {
  model::Case model_case;
  std::int64_t makespan_ns = 0;
};

std::string json(const CaseOptions& options, const Cell& cell, const std::optional<Predicted>& predicted,
                 const Repetitions& repetitions) {
  const std::optional<std::int64_t> median = median_makespan(repetitions);
  std::string out =
      fmt::format(R"({{{}, "predicted_makespan_ns": {}, "median_makespan_ns": {}, "samples": [)",
                  asked_json(options, predicted ? &predicted->model_case : nullptr),
                  predicted ? std::to_string(predicted->makespan_ns) : "null", median ? std::to_string(*median) : "null");
  for (const auto& [sample, trace] : repetitions) {
    if (&sample != &repetitions.front().sample) out += ", ";
    const bool ok = sample.status == "ok";
    out +=
        fmt::format(R"({{"makespan_ns": {}, "status": "{}", )", ok ? std::to_string(sample.makespan_ns) : "null", sample.status);
    if (!ok) {
      const nlohmann::json error = sample.error;
      out += fmt::format(R"("error": {}, )", error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    if (ok && arrives(cell)) out += arrivals_json(sample);
    out += R"("tasks": )";
    append_json(trace ? relative_times(*trace, cell.arrivals_ns) : std::vector<model::TaskTimes>{}, out, cell.arrivals_ns);
    out += '}';
  }
  return out + "]}\n";
}

std::string signed_duration(std::int64_t ns) {
  return (ns < 0 ? "-" : "+") + human_duration(std::chrono::nanoseconds(ns < 0 ? -ns : ns));
}

std::string case_table(const Cell& cell, const std::optional<Predicted>& predicted, const Repetitions& repetitions,
                       const Look& look) {
  const std::string expected = predicted ? exact_ms(predicted->makespan_ns) : "nothing: what it demands is not known";
  std::string out = hang("case       " + describe(cell), 11, look.columns) + fmt::format("predicted  {}\n", expected);
  if (const auto median = median_makespan(repetitions)) {
    const std::string off = predicted ? fmt::format("  ({})", signed_duration(*median - predicted->makespan_ns)) : "";
    out += painted(fmt::format("median     {}{}", exact_ms(*median), off), Paint::strong, look) + '\n';
  } else {
    out += "median     none: no repetition ended well\n";
  }
  out += fmt::format("\n{:>10}  {:<8}  {:>16}{}\n", "repetition", "status", "makespan",
                     predicted ? fmt::format("  {:>12}", "- predicted") : "");
  for (std::size_t i = 0; i < repetitions.size(); ++i) {
    const Sample& sample = repetitions[i].sample;
    if (sample.status == "ok") {
      out += fmt::format("{:>10}  {:<8}  {:>16}{}\n", i + 1, sample.status, exact_ms(sample.makespan_ns),
                         predicted ? fmt::format("  {:>12}", signed_duration(sample.makespan_ns - predicted->makespan_ns)) : "");
    } else {
      const std::string status = painted(fmt::format("{:<8}", sample.status), Paint::bad, look);
      out += hang(fmt::format("{:>10}  {}  {}", i + 1, status, sample.error), 22, look.columns);
    }
  }
  return out;
}

// Twice the prediction and a minute; as long as possible if that does not fit.
std::chrono::nanoseconds deadline(std::int64_t predicted_ns) {
  constexpr std::int64_t kMinute = 60'000'000'000;
  constexpr std::int64_t kLongest = std::int64_t{1} << 60;  // 36 years: far from overflowing any sum with the clock
  return std::chrono::nanoseconds(predicted_ns > (kLongest - kMinute) / 2 ? kLongest : 2 * predicted_ns + kMinute);
}

int run_case(CaseOptions options) {
  if (!options.python.empty()) options.backend = on_python(options.backend, options.python);
  const int runs = runs_of(options);
  const Cell cell = cell_of(options, pools::usable_cores().count);
  if (const std::optional<std::string> reason = skip_reason(cell)) throw ConfigError(*reason);
  require_releasable(cell.arrivals);
  find_backend(cell.backend).require();
  constexpr std::chrono::hours kOwn{1};  // nobody knows beforehand how long one's own work takes
  std::optional<Predicted> predicted;
  if (options.workload.empty()) {
    const model::Case model_case = waiting_case(cell);
    predicted = Predicted{model_case, model::simulate(model_case).makespan_ns};
  }

  Plan plan;
  plan.suite_name = "case";
  plan.order = Order::batch;
  plan.cells.push_back({.cell = cell, .runs = runs, .warmup = 0, .timeout = predicted ? deadline(predicted->makespan_ns) : kOwn});

  Run run({.calibration = workloads::Calibration{}});  // `sleep` needs none
  CollectingSink collected(true);
  const SweepOutcome outcome = run.measure(plan, {&collected});
  if (outcome.interrupted) {
    say(run.interrupted_text(outcome));
    return exit_code(outcome);
  }
  write_stdout(options.json ? json(options, cell, predicted, collected.repetitions)
                            : case_table(cell, predicted, collected.repetitions, text_look()));
  return exit_code(outcome);
}

}  // namespace

void add_case_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("case", "run one explicit case of sleep tasks, beside its prediction; or of work of your own");
  auto options = std::make_shared<CaseOptions>();
  add_case_options(*command, *options);
  add_colour_flag(*command, context);
  add_verbosity_flags(*command, context);
  command->get_option("--tasks")->required(false);
  command
      ->add_option(
          "--workload", options->workload,
          "work of your own instead of --tasks, once per input: python:crawler:fetch, command:./convert {}, function:./libx.so")
      ->check(not_empty());
  command->add_option("--inputs", options->inputs, "of such work: a file with one input per line, or numbers such as 1..60")
      ->check(not_empty());
  command
      ->add_option("--callback-workload", options->callback_workload,
                   "of such work: what is done with its result, likewise named: python:crawler:parse, command:wc -c")
      ->check(not_empty());
  command->add_option(
      "--arrivals", options->arrivals,
      "when tasks come, as in `predict`, or with a rate of the cell's capacity: poisson:0.8*capacity; default: all at "
      "once");
  command->add_option("--seed", options->seed, "what poisson arrivals are drawn from (default 1)");
  add_client_options(*command, options->clients);
  command->add_option("--python", options->python, "run a backend of Python on this one instead of the PATH's python3")
      ->check(not_empty());
  command->callback([options, &context] { context.action = [options] { return run_case(*options); }; });
}

}  // namespace harness
