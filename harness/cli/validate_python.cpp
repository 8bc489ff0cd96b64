#include "harness/cli/validate_python.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/noise.h"
#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/cli/cli.h"
#include "harness/engine/drivers/programs.h"
#include "harness/machine/environment.h"
#include "harness/plan/pythons.h"
#include "harness/plan/suite.h"
#include "harness/report/derived.h"
#include "harness/sweep/run.h"
#include "harness/sweep/sinks/collecting_sink.h"
#include "harness/validate/tutorial_table.h"

namespace harness {
namespace {

constexpr std::string_view kSkipped = "skipped: CPython's executors need python3, and there is none on the PATH";

int skip(bool json) {
  write_stdout(json ? fmt::format("{{\"skipped\": \"{}\"}}\n", kSkipped.substr(kSkipped.find("CPython")))
                    : fmt::format("{}\n", kSkipped));
  return kExitOk;
}

// What disturbed the run while it measured, and the rows of the table that suffered. Empty if nothing did.
std::string noise_text_of(const std::vector<cpython::ExampleResult>& results,
                          const std::vector<CollectingSink::Repetition>& repetitions, const CommandContext& context) {
  std::vector<Sample> samples;
  for (const auto& [sample, trace] : repetitions) samples.push_back(sample);
  Analysis analysis = analyse_rows(samples, {});
  analysis.command = context.arguments;
  const Noise noise = noise_of(analysis);
  if (!noise.noisy()) return {};
  const auto suffered = [&](const cpython::Side& side) {
    const std::vector<std::size_t> cells = disturbed_cells(noise);
    return std::ranges::any_of(cells, [&](std::size_t i) { return analysis.cells[i].factors.cell_id == side.cell.cell_id; });
  };
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (suffered(results[i].python) || suffered(results[i].here)) rows.push_back(std::to_string(i + 1));
  }
  return fmt::format("{} Rows that suffered: {}; where tasks compute, threads beside other programs look as if they had a GIL.",
                     noise_text(analysis, noise), join(rows));
}

}  // namespace

int validate_python(const PythonValidation& options, const CommandContext& context) {
  if (options.python.empty() && !drivers::find_program("python3")) return skip(options.json);
  const int divisor = options.true_scale ? 1 : 10;
  std::vector<std::string> pythons;
  if (!options.python.empty()) pythons.push_back(options.python);
  const Suite suite =
      on_pythons(parse_suite(cpython::tutorial_suite(divisor, options.runs), "validate --python (built in)"), pythons);
  const Environment environment = read_environment();
  const Plan plan = make_plan(suite, {.cores = environment.cores});
  for (const std::string& warning : environment.warnings) tell(fmt::format("warning: {}\n", warning));

  // A table of what ran now: rows of an earlier run stay in their own directory.
  Run run({.arguments = context.arguments,
           .environment = environment,
           .suite = &suite,
           .directory = options.output,
           .put_old_away = true});
  CollectingSink collected(true);
  const SweepOutcome outcome = run.measure(plan, {&collected});
  if (outcome.interrupted) {
    say(run.interrupted_text(outcome));
    return exit_code(outcome);
  }
  if (!options.output.empty()) derive(options.output);
  const std::vector<cpython::ExampleResult> results = cpython::evaluate(plan, collected.repetitions, run.calibration());
  const drivers::Record& python = run.drivers().begin()->second;  // of both executors the same
  const std::string noise = noise_text_of(results, collected.repetitions, context);
  write_stdout(options.json ? cpython::table_json(results, python, divisor, noise)
                            : cpython::table_text(results, python, divisor, text_look()));
  if (!options.json && !noise.empty()) write_stdout('\n' + hang(noise, 0, text_columns()));
  return exit_code(outcome);
}

}  // namespace harness
