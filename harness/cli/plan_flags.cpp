#include "harness/cli/plan_flags.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/checks.h"
#include "harness/plan/part.h"
#include "harness/plan/pythons.h"
#include "harness/sweep/sinks/progress.h"
#include "workloads/work.h"

namespace harness {

void add_plan_flags(CLI::App& command, PlanFlags& flags) {
  command.add_option("SUITE", flags.suite, "A name from `list suites`, or the path of a .toml file")
      ->check(not_empty())
      ->capture_default_str();
  command.add_option("--filter", flags.filters, "axis=value: only cells whose factor column has the value (repeated: all must)")
      ->allow_extra_args(false);
  command
      .add_option("--python", flags.pythons,
                  "Run the suite's backends of Python on this one instead of the PATH's python3 (repeated: on each)")
      ->allow_extra_args(false)
      ->check(not_empty());
  command.add_option("-r,--runs", flags.runs, "Measured repetitions of every cell");
  command.add_option("-w,--warmup", flags.warmup, "Warm-up repetitions of every cell, stored but marked");
  command.add_option("--order", flags.order, "random, round-robin or batch");
  command.add_option("--seed", flags.seed, "Of the order, the drawn durations and the works");
  command.add_option("--timeout", flags.timeout, "Deadline of one repetition, as in 30s");
  command.add_flag("--strict", flags.strict, "Refuse a noisy machine (load, governor, CPU quota)");
  command.add_flag("--trace", flags.trace, "Also write OUTPUT/tasks/<run_id>.csv: one row per task");
}

std::chrono::nanoseconds positive_duration(const std::string& flag, const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration.count() == 0) throw ConfigError(fmt::format("bad {} '{}'; allowed: more than 0", flag, text));
  return duration;
}

Suite suite_of(const PlanFlags& flags) { return on_pythons(load_suite(flags.suite), flags.pythons); }

Plan plan_of(const Suite& suite, const PlanFlags& flags, int cores) {
  PlanOptions options;
  options.cores = cores;
  if (flags.runs) options.runs = static_cast<int>(parse_integer(*flags.runs, "--runs", 1, 1'000'000));
  if (flags.warmup) options.warmup = static_cast<int>(parse_integer(*flags.warmup, "--warmup", 0, 1'000'000));
  if (flags.order) options.order = parse_order(*flags.order);
  if (flags.seed) options.seed = parse_seed(*flags.seed);
  if (flags.timeout) options.timeout = positive_duration("--timeout", *flags.timeout);
  for (const std::string& filter : flags.filters) options.filters.push_back(parse_filter(filter));
  return make_plan(suite, options);
}

Plan nominal_plan_of(const Suite& suite, const PlanFlags& flags) {
  try {
    return plan_of(suite, flags, kNominalCores);
  } catch (const ConfigError&) {  // "workers=10", which are cores*5 of two
    PlanFlags all = flags;
    all.filters.clear();
    return plan_of(suite, all, kNominalCores);
  }
}

int repetitions(const Plan& plan) {
  int total = 0;
  for (const PlannedCell* const own : own_cells(plan)) total += own->runs + own->warmup;
  return total;
}

std::string plan_line(const Plan& plan) {
  const std::size_t own = own_cells(plan).size();
  const std::string cells = own == plan.cells.size() ? std::to_string(own) : fmt::format("{} of {}", own, plan.cells.size());
  const bool unknown =
      std::ranges::any_of(plan.cells, [](const PlannedCell& planned) { return workloads::needs_subject(planned.cell.workload); });
  return fmt::format("suite {}{}: {} cells, {} repetitions with warm-ups, about {}{}", plan.suite_name,
                     plan.part ? ", " + to_string(*plan.part) : "", cells, repetitions(plan), eta_text(estimated_time(plan)),
                     unknown ? ", and what work of your own takes" : "");
}

std::vector<std::string> arguments_of(const PlanFlags& flags) {
  std::vector<std::string> arguments{flags.suite};
  const auto add = [&](std::string_view flag, const std::optional<std::string>& value) {
    if (value) arguments.push_back(fmt::format("{}={}", flag, *value));
  };
  for (const std::string& filter : flags.filters) add("--filter", filter);
  for (const std::string& python : flags.pythons) add("--python", python);
  add("--runs", flags.runs);
  add("--warmup", flags.warmup);
  add("--order", flags.order);
  add("--seed", flags.seed);
  add("--timeout", flags.timeout);
  if (flags.strict) arguments.emplace_back("--strict");
  if (flags.trace) arguments.emplace_back("--trace");
  return arguments;
}

}  // namespace harness
