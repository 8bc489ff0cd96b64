#include "harness/cli/validate_python.h"

#include <fmt/core.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/cli.h"
#include "harness/cli/run_directory.h"
#include "harness/cli/times_output.h"
#include "harness/engine/child_runner.h"
#include "harness/engine/cpython/interpreter.h"
#include "harness/machine/environment.h"
#include "harness/plan/suite.h"
#include "harness/report/derived.h"
#include "harness/sweep/interrupt.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/context.h"
#include "harness/sweep/sinks/progress.h"
#include "harness/sweep/sweep.h"
#include "harness/validate/tutorial_table.h"

namespace harness {
namespace {

constexpr std::string_view kSkipped = "skipped: CPython's executors need python3, and there is none on the PATH";

int skip(bool json) {
  write_stdout(json ? fmt::format("{{\"skipped\": \"{}\"}}\n", kSkipped.substr(kSkipped.find("CPython")))
                    : fmt::format("{}\n", kSkipped));
  return kExitOk;
}

}  // namespace

int validate_python(const PythonValidation& options, const CommandContext& context) {
  if (!cpython::find_python()) return skip(options.json);
  const int divisor = options.true_scale ? 1 : 10;
  const Suite suite = parse_suite(cpython::tutorial_suite(divisor, options.runs), "validate --python (built in)");
  const Environment environment = read_environment();
  const Plan plan = make_plan(suite, {.cores = environment.cores});
  for (const std::string& warning : environment.warnings) say(fmt::format("warning: {}\n", warning));

  SweepOptions sweep;
  sweep.run_id = make_run_id();
  sweep.stop = interrupt_requested;
  std::optional<RunDirectory> directory;
  if (!options.output.empty()) {
    std::signal(SIGXFSZ, SIG_IGN);  // a full file size limit is an error of write(2), not the end of the program
    // A table of what ran now: rows of an earlier run stay in their own directory.
    if (const auto aside = put_old_directory_away(options.output); !aside.empty()) {
      say(fmt::format("the old directory is now {}\n", aside.string()));
    }
    directory.emplace(std::filesystem::path(options.output));
    sweep.machine_id = environment.machine_id;
    sweep.build_id = environment.build_id;
  }
  const cpython::Python python = cpython::measure(cpython::require_driver());
  say(fmt::format("Python: {} ({})\n", python.line(), python.executable));
  workloads::Calibration calibration = workloads::calibrate();
  cpython::add_to(calibration, python);
  if (directory) {
    directory->freeze(suite);
    write_cells(directory->path(), sweep.run_id, plan);
    write_context(directory->path(), {sweep.run_id, utc_now(), plan.suite_name, context.arguments, plan.seed,
                                      std::string(to_string(plan.order)), environment, calibration, python});
  }

  CollectingSink collected(true);
  const std::unique_ptr<CellRunner> runner = make_child_runner({.calibration = calibration});
  SweepOutcome outcome;
  {
    const InterruptScope interrupts(*runner);
    ProgressSink progress(stderr_progress());
    Sinks sinks{&collected, &progress};
    if (directory) sinks.insert(sinks.begin(), &directory->results());
    outcome = run_sweep(plan, *runner, sinks, sweep);
  }
  if (outcome.interrupted) {
    say(fmt::format("poolbench: interrupted after {} of {} repetitions\n", outcome.run, outcome.steps));
    return kExitInterrupted;
  }
  if (directory) derive(directory->path());
  const std::vector<cpython::ExampleResult> results = cpython::evaluate(plan, collected.repetitions, calibration);
  write_stdout(options.json ? cpython::table_json(results, python, divisor) : cpython::table_text(results, python, divisor));
  return outcome.failed > 0 ? kExitCellsFailed : kExitOk;
}

}  // namespace harness
