#include "harness/cli/validate_rules.h"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/cli.h"
#include "harness/machine/cpu_quota.h"
#include "harness/machine/environment.h"
#include "harness/plan/suite.h"
#include "harness/report/derived.h"
#include "harness/report/rules_report.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/sweep/sinks/file.h"
#include "harness/validate/rules/trial.h"
#include "workloads/work.h"

namespace harness {
namespace {

// What was measured so far, and what came of it.
struct Measured {
  std::vector<RuleCase> cases;
  std::vector<Sample> samples;
  std::vector<std::string> notes;
  int failed = 0;
  std::optional<workloads::Calibration> calibration;  // of the first part: under a quota a unit of work takes as long as without
};

// One part of the trial: all works, with a quota or without. True unless it was interrupted.
bool measure_part(const Suite& suite, int cpus, const RulesValidation& options, const CommandContext& context, bool quota,
                  Measured& measured) {
  const Environment environment = read_environment();
  RuleTrial trial = rule_trial(suite, quota ? environment.cores : cpus, cpus, options.runs);
  tell(fmt::format("{}: {} cases, {} cells, about {}\n", quota ? "with a CPU quota" : "without a CPU quota", trial.cases.size(),
                   trial.plan.cells.size(), human_duration(estimated_time(trial.plan))));
  GateRule gate = options.gate;
  gate.quota_is_meant = quota;
  Run run({.arguments = context.arguments,
           .environment = environment,
           .suite = &suite,
           .directory = options.output,
           .counts =
               [&environment](const Sample& row) {
                 const bool ours = row.build_id == environment.build_id && row.machine_id == environment.machine_id;
                 return ours && !row.error.starts_with(kGated);
               },
           .gate = gate,
           .calibration = measured.calibration});
  std::vector<Sample> rows = run.options().present;
  CollectingSink collected(false);
  const SweepOutcome outcome = run.measure(trial.plan, {&collected});
  if (outcome.interrupted) {
    say(run.interrupted_text(outcome));
    return false;
  }
  measured.calibration = run.calibration();
  for (const auto& [sample, trace] : collected.repetitions) rows.push_back(sample);
  measured.samples.insert(measured.samples.end(), rows.begin(), rows.end());
  measured.failed += outcome.failed + outcome.failed_before;
  if (run.gate_counts().refused > 0) {
    measured.notes.push_back(
        fmt::format("{} repetitions {} a quota never had a quiet machine; the same command with -o measures them again.",
                    run.gate_counts().refused, quota ? "with" : "without"));
  }
  measured.cases.insert(measured.cases.end(), std::make_move_iterator(trial.cases.begin()),
                        std::make_move_iterator(trial.cases.end()));
  return true;
}

// Half of the cores; a note where there is no such thing.
bool measure_under_quota(const Suite& suite, int cpus, const RulesValidation& options, const CommandContext& context,
                         Measured& measured) {
  if (cpus < 2) {
    measured.notes.emplace_back("Cases with a CPU quota are left out: there is one core, and no quota of whole cores below it.");
    return true;
  }
  std::optional<CpuQuota> quota;
  try {
    quota.emplace(cpus / 2);
  } catch (const EnvironmentError& error) {
    measured.notes.push_back(fmt::format("Cases with a CPU quota are left out: {}.", error.what()));
    return true;
  }
  measured.notes.push_back(
      fmt::format("The quota: {} of {} CPUs, in periods of {}.", cpus / 2, cpus, human_duration(kQuotaPeriod)));
  return measure_part(suite, cpus, options, context, true, measured);
}

}  // namespace

int validate_rules(const RulesValidation& options, const CommandContext& context) {
  const Suite suite = load_suite(options.suite);
  const Environment environment = read_environment();
  for (const std::string& warning : environment.warnings) tell(fmt::format("warning: {}\n", warning));
  constexpr int kFewest = 4;
  if (options.runs < kFewest) {
    tell(fmt::format("warning: intervals of {} repetitions cover less than 95 %; {} or more do\n", options.runs, kFewest));
  }
  tell(gate_text(options.gate, read_waiting().pressure_ns.has_value()));
  Measured measured;
  if (!measure_part(suite, environment.cores, options, context, false, measured)) return kExitInterrupted;
  if (!measure_under_quota(suite, environment.cores, options, context, measured)) return kExitInterrupted;

  const std::vector<RuleResult> results = judge_rules(measured.cases, measured.samples);
  if (!options.output.empty()) {
    derive(options.output);
    const std::filesystem::path derived = std::filesystem::path(options.output) / "derived";
    replace_file(derived / "rules.csv", rules_csv(results));
    replace_file(derived / "rule_cases.csv", rule_cases_csv(results));
  }
  const std::vector<std::string>& notes = measured.notes;
  write_stdout(options.json       ? rules_json(results, notes)
               : options.markdown ? rules_markdown(results, notes)
                                  : rules_text(results, notes, text_look()));
  return measured.failed > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace harness
