// poolbench validate: the tutorial's claims, measured and decided.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/child_runner.h"
#include "harness/cli/cli.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/times_output.h"
#include "harness/cli/validate_python.h"
#include "harness/collecting_sink.h"
#include "harness/derived.h"
#include "harness/environment.h"
#include "harness/errors.h"
#include "harness/interrupt.h"
#include "harness/model/statistics.h"
#include "harness/quantity.h"
#include "harness/sinks/context.h"
#include "harness/sinks/progress.h"
#include "harness/suite.h"
#include "harness/sweep.h"
#include "harness/validate.h"

namespace harness {
namespace {

constexpr std::uint64_t kSeed = 1;  // of the order

struct Flags {
  std::string output;
  std::string runs = "5";
  bool json = false;
  bool python = false;
  bool true_scale = false;
};

// What the sweep is told and where its rows go, beside memory.
struct Output {
  SweepOptions options;
  std::optional<RunDirectory> directory;
};

// REQUIRES: -o was given. The directory holds what a run of the same cells would leave.
void open_directory(const Flags& flags, const CommandContext& context, const Environment& environment, const Plan& plan,
                    Output& output) {
  std::signal(SIGXFSZ, SIG_IGN);  // a full file size limit is an error of write(2), not the end of the program
  output.directory.emplace(std::filesystem::path(flags.output));
  RunDirectory& directory = *output.directory;
  output.options.run_id = make_run_id();
  output.options.machine_id = environment.machine_id;
  output.options.build_id = environment.build_id;
  output.options.present = directory.present();
  if (missing_steps(plan, output.options).empty()) return;
  directory.freeze(parse_suite(validation_suite(plan.cells.front().runs, kSeed), "validate (built in)"));
  // Nothing here computes, but a later run into this directory takes the calibration over.
  const std::optional<workloads::Calibration> calibration = directory.earlier_calibration(environment);
  write_context(directory.path(),
                {output.options.run_id, utc_now(), plan.suite_name, context.arguments, plan.seed,
                 std::string(to_string(plan.order)), environment, calibration ? *calibration : workloads::calibrate()});
}

int run_validate(const Flags& flags, const CommandContext& context) {
  const int runs = static_cast<int>(parse_integer(flags.runs, "--runs", 1, 1'000'000));
  if (flags.python) return validate_python({flags.output, runs, flags.true_scale, flags.json}, context);
  const Environment environment = read_environment();
  const Plan plan = validation_plan(runs, environment.cores, kSeed);
  for (const std::string& warning : environment.warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (model::allowed_outside(runs) < 0) {
    fmt::print(stderr,
               "warning: {} repetitions decide nothing, every verdict will be inconclusive; 5 or more are needed\n",
               runs);
  }

  Output output;
  if (!flags.output.empty()) open_directory(flags, context, environment, plan, output);
  CollectingSink collected(false);
  const std::unique_ptr<CellRunner> runner = make_child_runner({});  // `sleep` needs no calibration
  SweepOutcome outcome;
  {
    const InterruptScope interrupts(*runner);
    ProgressSink progress(stderr_progress());
    Sinks sinks{&collected, &progress};
    if (output.directory) sinks.insert(sinks.begin(), &output.directory->results());
    output.options.stop = interrupt_requested;
    outcome = run_sweep(plan, *runner, sinks, output.options);
  }
  if (outcome.interrupted) {
    fmt::print(stderr, "poolbench: interrupted after {} of {} repetitions{}\n", outcome.run, outcome.steps,
               output.directory ? "; resume with: " + resume_command(context.arguments) : "");
    return kExitInterrupted;
  }

  std::vector<Sample> samples;
  for (const Sample& sample :
       output.options.present) {  // a resumed run counts what this program measured on this machine
    if (sample.build_id == environment.build_id && sample.machine_id == environment.machine_id)
      samples.push_back(sample);
  }
  for (const auto& [sample, trace] : collected.repetitions) samples.push_back(sample);
  const std::vector<ClaimResult> results = validate(samples);
  if (output.directory) derive(output.directory->path());
  write_stdout(flags.json ? claims_json(results) : claims_text(results));
  if (any_contradiction(results)) return kExitCheckFailed;
  return outcome.failed > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace

void add_validate_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command =
      app.add_subcommand("validate", "Decide the tutorial's claims: holds, refuted or inconclusive");
  const auto flags = std::make_shared<Flags>();
  command->add_option("-o,--output", flags->output,
                      "Keep the rows and the derived files there; a run there is resumed");
  command->add_option("-r,--runs", flags->runs, "Repetitions of every cell; 5 decide if all of them agree")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "One JSON document instead of the table");
  CLI::Option* const python = command->add_flag(
      "--python", flags->python, "The tutorial's examples on CPython's own executors, on these pools and by the model");
  command->add_flag("--true-scale", flags->true_scale, "With --python: the tutorial's own durations, not a tenth")->needs(python);
  command->callback(
      [flags, &context] { context.action = [flags, &context] { return run_validate(*flags, context); }; });
}

}  // namespace harness
