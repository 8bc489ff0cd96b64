// poolbench validate: the tutorial's claims, measured and decided.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/cli/checks.h"
#include "harness/cli/cli.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/times_output.h"
#include "harness/cli/validate_python.h"
#include "harness/core/evidence.h"
#include "harness/engine/child_runner.h"
#include "harness/machine/environment.h"
#include "harness/model/statistics.h"
#include "harness/plan/suite.h"
#include "harness/report/claims_report.h"
#include "harness/report/derived.h"
#include "harness/sweep/gate.h"
#include "harness/sweep/interrupt.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sweep.h"
#include "harness/validate/validate.h"

namespace harness {
namespace {

constexpr std::uint64_t kSeed = 1;  // of the order

struct Flags {
  std::string output;
  std::string runs = "5";
  std::string most_pressure = fmt::format("{}", GateRule{}.most_pressure);
  bool json = false;
  bool python = false;
  bool true_scale = false;
  bool markdown = false;
};

// What the sweeps are told and where their rows go, beside memory.
struct Output {
  SweepOptions options;
  std::optional<RunDirectory> directory;
  std::optional<EvidenceCsvSink> evidence;
};

// The rows that this program measured on this machine, but those that the gate refused: they are measured again.
std::vector<Sample> usable(const std::vector<Sample>& rows, const Environment& environment) {
  std::vector<Sample> kept;
  for (const Sample& row : rows) {
    const bool ours = row.build_id == environment.build_id && row.machine_id == environment.machine_id;
    if (ours && !row.error.starts_with(kGated)) kept.push_back(row);
  }
  return kept;
}

workloads::Calibration calibration_for(const Output& output, const Environment& environment) {
  if (output.directory) {
    if (const auto earlier = output.directory->earlier_calibration(environment)) return *earlier;
  }
  return workloads::calibrate();
}

// REQUIRES: -o was given. The directory holds what a run of the same cells would leave.
void open_directory(const Flags& flags, Output& output) {
  std::signal(SIGXFSZ, SIG_IGN);  // a full file size limit is an error of write(2), not the end of the program
  output.directory.emplace(std::filesystem::path(flags.output));
}

void begin_run(const CommandContext& context, const Environment& environment, int runs, const Plan& plan,
               const workloads::Calibration& calibration, Output& output) {
  RunDirectory& directory = *output.directory;
  directory.freeze(parse_suite(validation_suite(runs, kSeed), "validate (built in)"));
  write_context(directory.path(), {output.options.run_id, utc_now(), plan.suite_name, context.arguments, plan.seed,
                                   std::string(to_string(plan.order)), environment, calibration});
  output.evidence.emplace(directory.path(), output.options.run_id);
}

void say_how_quiet(const GateCounts& counts) {
  say(fmt::format("gate: {} repetitions were repeated, {} refused, {} waited\n", counts.repeated, counts.refused,
                  human_duration(counts.waited)));
}

int run_validate(const Flags& flags, const CommandContext& context) {
  const int runs = static_cast<int>(parse_integer(flags.runs, "--runs", 1, 1'000'000));
  const GateRule rule{.most_pressure = parse_number(flags.most_pressure, "--max-pressure", 0, 100)};
  if (flags.python) return validate_python({flags.output, runs, flags.true_scale, flags.json}, context);
  const Environment environment = read_environment();
  Plan plan = validation_plan(runs, environment.cores, kSeed);
  for (const std::string& warning : environment.warnings) say(fmt::format("warning: {}\n", warning));
  if (model::allowed_outside(runs) < 0) {
    say(fmt::format(
        "warning: {} repetitions decide nothing; 5 or more are needed, below that only formulas, which have three scales, "
        "can be decided\n",
        runs));
  }
  say(gate_text(rule, read_waiting().pressure_ns.has_value()));

  Output output;
  output.options.run_id = make_run_id();
  output.options.machine_id = environment.machine_id;
  output.options.build_id = environment.build_id;
  output.options.stop = interrupt_requested;
  EvidenceSink evidence;
  if (!flags.output.empty()) {
    open_directory(flags, output);
    output.options.present = usable(output.directory->present(), environment);
    evidence.evidence = read_evidence(output.directory->path());
  }
  const workloads::Calibration calibration = calibration_for(output, environment);
  if (output.directory && !missing_steps(plan, output.options).empty()) {
    begin_run(context, environment, runs, plan, calibration, output);
  }

  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration});
  GateSeams seams;
  seams.stop = interrupt_requested;
  GatedRunner gated(*runner, rule, seams);
  std::vector<Sample>& samples = output.options.present;  // what a round finds there it does not run again
  std::vector<ClaimResult> results;
  int failed = 0;
  for (int round = 0; !plan.cells.empty(); ++round) {
    if (round > 0) say(fmt::format("round {}: {} cells of claims that are open\n", round + 1, plan.cells.size()));
    CollectingSink collected(false);
    SweepOutcome outcome;
    {
      const InterruptScope interrupts(gated);
      ProgressSink progress(stderr_progress());
      Sinks sinks{&collected, &evidence, &progress};
      if (output.directory && output.evidence) write_cells(output.directory->path(), output.options.run_id, plan);
      if (output.directory && output.evidence) sinks.insert(sinks.begin(), {&output.directory->results(), &*output.evidence});
      outcome = run_sweep(plan, gated, sinks, output.options);
    }
    if (outcome.interrupted) {
      say_how_quiet(gated.counts());
      say(fmt::format("poolbench: interrupted after {} of {} repetitions{}\n", outcome.run, outcome.steps,
                      output.directory ? "; resume with: " + resume_command(context.arguments) : ""));
      return kExitInterrupted;
    }
    for (const auto& [sample, trace] : collected.repetitions) {
      samples.push_back(sample);
      failed += sample.status != "ok" && !sample.error.starts_with(kGated);
    }
    results = validate(samples, evidence.evidence, environment.cores);
    const bool patient = gated.counts().refused == 0;  // a machine that stays busy does not become quiet by asking more
    plan = patient ? next_round(results, runs, environment.cores, kSeed) : Plan{};
    if (missing_steps(plan, output.options).empty()) plan.cells.clear();
    if (!plan.cells.empty() && output.directory && !output.evidence) {
      begin_run(context, environment, runs, plan, calibration, output);
    }
  }
  say_how_quiet(gated.counts());
  if (output.directory) derive(output.directory->path());
  if (!flags.json && !flags.markdown) write_stdout(overheads_text(calibrated_overheads(samples)) + "\n");
  write_stdout(flags.json ? claims_json(results) : flags.markdown ? claims_markdown(results) : claims_text(results));
  if (any_contradiction(results)) return kExitCheckFailed;
  return failed > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace

void add_validate_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("validate", "Decide the tutorial's claims: holds, refuted or inconclusive");
  const auto flags = std::make_shared<Flags>();
  command->add_option("-o,--output", flags->output, "Keep the rows and the derived files there; a run there is resumed")
      ->check(not_empty());
  command->add_option("-r,--runs", flags->runs, "Repetitions of every cell; 5 decide if all of them agree")
      ->capture_default_str();
  command
      ->add_option("--max-pressure", flags->most_pressure,
                   "Percent of its time in which tasks may wait for a CPU while a repetition counts; 100: all count")
      ->capture_default_str();
  CLI::Option* const json = command->add_flag("--json", flags->json, "One JSON document instead of the table");
  CLI::Option* const markdown =
      command->add_flag("--markdown", flags->markdown, "One Markdown table with the tutorial's words instead")->excludes(json);
  CLI::Option* const python =
      command->add_flag("--python", flags->python,
                        "The tutorial's examples on CPython's own executors, on these pools and by the model");
  python->excludes(markdown);
  command->add_flag("--true-scale", flags->true_scale, "With --python: the tutorial's own durations, not a tenth")->needs(python);
  command->callback([flags, &context] { context.action = [flags, &context] { return run_validate(*flags, context); }; });
}

}  // namespace harness
