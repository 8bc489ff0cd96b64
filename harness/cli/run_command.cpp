// poolbench run [SUITE]: suite -> plan -> sweep -> derived files -> verdict.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/scratch.h"
#include "harness/machine/environment.h"
#include "harness/plan/plan.h"
#include "harness/plan/pythons.h"
#include "harness/plan/suite.h"
#include "harness/report/derived.h"
#include "harness/report/report.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sweep.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

// As given; absent where the flag is.
struct RunFlags {
  std::string suite = "default";
  std::string output;
  bool fresh = false;
  bool dry_run = false;
  bool strict = false;
  bool trace = false;
  std::vector<std::string> filters;
  std::vector<std::string> pythons;
  std::optional<std::string> runs, warmup, order, seed, timeout, time_budget;
};

std::chrono::nanoseconds positive_duration(const std::string& flag, const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration.count() == 0) throw ConfigError(fmt::format("bad {} '{}'; allowed: more than 0", flag, text));
  return duration;
}

PlanOptions plan_options(const RunFlags& flags, int cores) {
  PlanOptions options;
  options.cores = cores;
  if (flags.runs) options.runs = static_cast<int>(parse_integer(*flags.runs, "--runs", 1, 1'000'000));
  if (flags.warmup) options.warmup = static_cast<int>(parse_integer(*flags.warmup, "--warmup", 0, 1'000'000));
  if (flags.order) options.order = parse_order(*flags.order);
  if (flags.seed) options.seed = parse_seed(*flags.seed);
  if (flags.timeout) options.timeout = positive_duration("--timeout", *flags.timeout);
  for (const std::string& filter : flags.filters) options.filters.push_back(parse_filter(filter));
  return options;
}

int repetitions(const Plan& plan) {
  int total = 0;
  for (const PlannedCell& planned : plan.cells) total += planned.runs + planned.warmup;
  return total;
}

std::string plan_text(const Plan& plan) {
  std::string text = fmt::format("suite {}: {} cells, {} repetitions with warm-ups, about {}\n", plan.suite_name,
                                 plan.cells.size(), repetitions(plan), eta_text(estimated_time(plan)));
  for (const PlannedCell& planned : plan.cells) {
    text += fmt::format("cell {} {} runs={} warmup={} predicted {}\n", planned.cell.cell_id, describe(planned.cell), planned.runs,
                        planned.warmup, human_duration(predicted_makespan(planned.cell)));
  }
  for (const Skip& skip : plan.skips) text += fmt::format("skipped {}: {}\n", skip.what, skip.reason);
  return text;
}

void tell_outcome(const SweepOutcome& outcome, const CommandContext& context) {
  if (outcome.run > 0 && outcome.sum_makespans.count() > 0) {
    say(fmt::format("measuring took {}, {:.2f} x the sum of the makespans\n", human_duration(outcome.measuring),
                    static_cast<double>(outcome.measuring.count()) / static_cast<double>(outcome.sum_makespans.count())));
  }
  if (outcome.remaining() == 0) return;
  say(fmt::format("poolbench: {}; {} of {} repetitions are kept, {} left; resume with: {}\n",
                  outcome.interrupted ? "interrupted" : "the time budget is used up", outcome.run, outcome.steps,
                  outcome.remaining(), resume_command(context.arguments)));
}

void tell_plan(const Plan& plan, const Environment& environment, const std::filesystem::path& path) {
  say(fmt::format("{}\n", machine_line(environment)));
  for (const std::string& warning : environment.warnings) say(fmt::format("warning: {}\n", warning));
  say(fmt::format("suite {}: {} cells, {} repetitions with warm-ups, about {}; into {}\n", plan.suite_name, plan.cells.size(),
                  repetitions(plan), eta_text(estimated_time(plan)), path.string()));
  if (!plan.skips.empty()) say(fmt::format("{} combinations have no meaning or are skipped: see --dry-run\n", plan.skips.size()));
}

int run(const RunFlags& flags, const CommandContext& context) {
  std::optional<std::chrono::nanoseconds> time_budget;
  if (flags.time_budget) time_budget = positive_duration("--time-budget", *flags.time_budget);
  const Suite suite = on_pythons(load_suite(flags.suite), flags.pythons);
  const Environment environment = read_environment();
  const Plan plan = make_plan(suite, plan_options(flags, environment.cores));
  if (flags.dry_run) {
    write_stdout(plan_text(plan));
    return kExitOk;
  }
  if (flags.strict) require_quiet(environment);
  for (const PlannedCell& planned : plan.cells) find_backend(planned.cell.backend).require();
  temporary_directory();  // before anything is written

  const std::filesystem::path path =
      flags.output.empty() ? std::filesystem::path("out") / suite.name : std::filesystem::path(flags.output);
  Run run({.arguments = context.arguments,
           .environment = environment,
           .suite = &suite,
           .directory = path,
           .put_old_away = flags.fresh,
           .task_files = flags.trace,
           .time_budget = time_budget});
  SweepOutcome outcome;
  const bool complete = missing_steps(plan, run.options()).empty();
  if (complete) {
    say(fmt::format("complete: all {} repetitions are in {} already, nothing to do (--fresh measures anew)\n", repetitions(plan),
                    path.string()));
    outcome.failed_before = failures_present(plan, run.options());
  } else {
    tell_plan(plan, environment, path);
    outcome = run.measure(plan, {});
    run.done_measuring();
    tell_outcome(outcome, context);
  }
  std::ostringstream text;
  if (!outcome.interrupted) {
    std::error_code error;
    const Analysis analysis = analyse(path, cells_of_all_claims);
    if (!complete || !std::filesystem::exists(path / "derived" / "summary.csv", error)) derive(path, analysis);
    print_verdict(analysis, text);
  }
  text << path.string() << '\n';
  write_stdout(text.str());
  return exit_code(outcome);
}

}  // namespace

void add_run_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("run", "Measure a suite: one row per repetition in OUTPUT/results.csv");
  const auto flags = std::make_shared<RunFlags>();
  command->add_option("SUITE", flags->suite, "A name from `list suites`, or the path of a .toml file")
      ->check(not_empty())
      ->capture_default_str();
  command->add_option("-o,--output", flags->output, "The output directory [out/<suite>]; a run there is resumed")
      ->check(not_empty());
  command->add_flag("--fresh", flags->fresh, "Rename the old output directory and start anew");
  command->add_flag("-n,--dry-run", flags->dry_run, "Print the cells, what is skipped and why, and an estimate of the time");
  command->add_option("--filter", flags->filters, "axis=value: only cells whose factor column has the value (repeated: all must)")
      ->allow_extra_args(false);
  command
      ->add_option("--python", flags->pythons,
                   "Run the suite's backends of Python on this one instead of the PATH's python3 (repeated: on each)")
      ->allow_extra_args(false)
      ->check(not_empty());
  command->add_option("-r,--runs", flags->runs, "Measured repetitions of every cell");
  command->add_option("-w,--warmup", flags->warmup, "Warm-up repetitions of every cell, stored but marked");
  command->add_option("--order", flags->order, "random, round-robin or batch");
  command->add_option("--seed", flags->seed, "Of the order, the drawn durations and the works");
  command->add_option("--timeout", flags->timeout, "Deadline of one repetition, as in 30s");
  command->add_option("--time-budget", flags->time_budget, "Start no repetition that would likely end later, as in 10min");
  command->add_flag("--strict", flags->strict, "Refuse a noisy machine (load, governor, CPU quota)");
  command->add_flag("--trace", flags->trace, "Also write OUTPUT/tasks/<run_id>.csv: one row per task");
  command->callback([flags, &context] { context.action = [flags, &context] { return run(*flags, context); }; });
}

}  // namespace harness
