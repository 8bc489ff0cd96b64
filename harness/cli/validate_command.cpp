// poolbench validate: the tutorial's claims, and rules of thumb, measured and decided.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/formats.h"
#include "harness/cli/validate_python.h"
#include "harness/cli/validate_rules.h"
#include "harness/core/evidence.h"
#include "harness/machine/environment.h"
#include "harness/model/statistics.h"
#include "harness/plan/suite.h"
#include "harness/report/claims_report.h"
#include "harness/report/derived.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/run.h"
#include "harness/sweep/run_directory.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/validate/validate.h"

namespace harness {
namespace {

constexpr std::uint64_t kSeed = 1;  // of the order

// Of a trial's many short repetitions: the usual one, before and after each, would take as long as they do.
constexpr std::chrono::milliseconds kRulesWindow{20};

struct ValidateFlags {
  std::string output;
  std::string only = "*";
  std::string runs = "5";
  std::string most_pressure = fmt::format("{}", GateRule{}.most_pressure);
  FormatFlags format;
  bool python = false;
  std::string python_path;  // empty: that of the PATH
  bool true_scale = false;
  bool rules = false;
  std::string rules_suite;  // empty: the built-in one
};

void say_how_quiet(const GateCounts& counts) {
  tell(fmt::format("gate: {} repetitions were repeated, {} refused, {} waited\n", counts.repeated, counts.refused,
                   human_duration(counts.waited)));
}

std::string claims_in(const FormatFlags& format, const std::vector<ClaimResult>& results) {
  if (format.json) return claims_json(results);
  if (format.csv) return claims_csv(results);
  return format.markdown ? claims_markdown(results) : claims_text(results, text_look());
}

// Which claims the rows decide now that were open, and why the others still are.
void tell_decisions(const std::vector<ClaimResult>& before, const std::vector<ClaimResult>& now) {
  if (verbosity() != Verbosity::verbose) return;
  for (const ClaimResult& result : now) {
    const auto earlier = std::ranges::find_if(before, [&](const ClaimResult& old) { return old.id() == result.id(); });
    if (earlier != before.end() && earlier->verdict == result.verdict && earlier->repetitions == result.repetitions) continue;
    const std::string measured = result.measured_ns ? "measured " + human_ns(*result.measured_ns) : "nothing measured";
    detail(fmt::format("{} {}: claimed {}, {}, {} repetitions{}\n", result.id(),
                       result.verdict == model::Verdict::inconclusive ? "is open" : to_string(result.verdict),
                       human_ns(result.prediction.claimed_ns), measured, result.repetitions,
                       result.explanation.empty() ? "" : "; " + result.explanation));
  }
}

// Rows that this program measured on this machine, but those that the gate refused: they are measured again.
bool counts(const Sample& row, const Environment& environment) {
  const bool ours = row.build_id == environment.build_id && row.machine_id == environment.machine_id;
  return ours && !row.error.starts_with(kGated);
}

int run_validate(const ValidateFlags& flags, const CommandContext& context) {
  const int runs = static_cast<int>(parse_integer(flags.runs, "--runs", 1, 1'000'000));
  const GateRule rule{.most_pressure = parse_number(flags.most_pressure, "--max-pressure", 0, 100)};
  if (flags.python) return validate_python({flags.output, runs, flags.true_scale, flags.format.json, flags.python_path}, context);
  if (flags.rules) {
    RulesValidation rules{.output = flags.output, .runs = runs, .json = flags.format.json, .markdown = flags.format.markdown};
    if (!flags.rules_suite.empty()) rules.suite = flags.rules_suite;
    rules.gate = {.most_pressure = rule.most_pressure, .window = kRulesWindow};
    return validate_rules(rules, context);
  }
  const Environment environment = read_environment();
  const ChosenClaims chosen = claims_matching(flags.only);
  Plan plan = validation_plan(runs, environment.cores, kSeed, chosen);
  for (const std::string& warning : environment.warnings) tell(fmt::format("warning: {}\n", warning));
  if (model::allowed_outside(runs) < 0) {
    tell(fmt::format(
        "warning: {} repetitions decide nothing; 5 or more are needed, below that only formulas, which have three scales, "
        "can be decided\n",
        runs));
  }
  tell(gate_text(rule, read_waiting().pressure_ns.has_value()));

  const Suite suite = parse_suite(validation_suite(runs, kSeed), "validate (built in)");
  Run run({.arguments = context.arguments,
           .environment = environment,
           .suite = &suite,
           .directory = flags.output,
           .counts = [&environment](const Sample& row) { return counts(row, environment); },
           .evidence_files = true,
           .gate = rule});
  EvidenceSink evidence;
  if (!flags.output.empty()) evidence.evidence = read_evidence(flags.output);
  std::vector<Sample>& samples = run.options().present;  // what a round finds there it does not run again
  std::vector<ClaimResult> results =
      validate(samples, evidence.evidence, environment.cores, chosen);  // where nothing can be measured
  tell(run.resumed_text(plan));
  int failed = 0;
  for (int round = 0; !plan.cells.empty(); ++round) {
    if (round > 0) tell(fmt::format("round {}: {} cells of claims that are open\n", round + 1, plan.cells.size()));
    CollectingSink collected(false);
    const SweepOutcome outcome = run.measure(plan, {&collected, &evidence});
    if (outcome.interrupted) {
      say_how_quiet(run.gate_counts());
      say(run.interrupted_text(outcome));
      return exit_code(outcome);
    }
    for (const auto& [sample, trace] : collected.repetitions) {
      samples.push_back(sample);
      failed += sample.status != "ok" && !sample.error.starts_with(kGated);
    }
    std::vector<ClaimResult> decided = validate(samples, evidence.evidence, environment.cores, chosen);
    tell_decisions(results, decided);
    results = std::move(decided);
    const bool patient = run.gate_counts().refused == 0;  // a machine that stays busy does not become quiet by asking more
    plan = patient ? next_round(results, runs, environment.cores, kSeed) : Plan{};
    if (missing_steps(plan, run.options()).empty()) plan.cells.clear();
  }
  say_how_quiet(run.gate_counts());
  if (!flags.output.empty() && !samples.empty()) derive(flags.output);
  if (flags.format.text()) write_stdout(overheads_text(calibrated_overheads(samples)) + "\n");
  write_stdout(claims_in(flags.format, results));
  tell(undecided_text(results, flags.output.empty() ? "" : resume_command(context.arguments)));
  if (any_contradiction(results)) return kExitCheckFailed;
  return failed > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace

void add_validate_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("validate", "Decide the tutorial's claims: holds, refuted or inconclusive");
  const auto flags = std::make_shared<ValidateFlags>();
  command->add_option("-o,--output", flags->output, "Keep the rows and the derived files there; a run there is resumed")
      ->check(not_empty());
  CLI::Option* const only =
      command->add_option("--only", flags->only, "The claims whose id matches, as a shell matches names: 'loop_*'")
          ->check(not_empty());
  command->add_option("-r,--runs", flags->runs, "Repetitions of every cell; 5 decide if all of them agree")
      ->capture_default_str();
  command
      ->add_option("--max-pressure", flags->most_pressure,
                   "Percent of its time in which tasks may wait for a CPU while a repetition counts; 100: all count")
      ->capture_default_str();
  const FormatOptions formats = add_format_flags(*command, flags->format);
  add_colour_flag(*command, context);
  add_verbosity_flags(*command, context);
  CLI::Option* const python =
      command
          ->add_option(
              "--python", flags->python_path,
              "The tutorial's examples on the executors of this Python [the PATH's python3], on these pools and by the model")
          ->type_name("[PATH]")
          ->expected(0, 1);
  python->excludes(formats.markdown)->excludes(formats.csv)->excludes(only);
  CLI::Option* const rules =
      command
          ->add_option("--rules", flags->rules_suite,
                       "Rules of thumb for the number of workers, each with its regret, on the works of this suite [rules]")
          ->type_name("[SUITE]")
          ->expected(0, 1)
          ->excludes(python)
          ->excludes(formats.csv)
          ->excludes(only);
  command->add_flag("--true-scale", flags->true_scale, "With --python: the tutorial's own durations, not a tenth")->needs(python);
  command->callback([flags, python, rules, &context] {
    flags->python = python->count() > 0;
    flags->rules = rules->count() > 0;
    context.action = [flags, &context] { return run_validate(*flags, context); };
  });
}

}  // namespace harness
