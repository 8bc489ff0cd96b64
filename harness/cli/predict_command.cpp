// poolbench predict: the model alone, nothing is run.

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "harness/cli/case_options.h"
#include "harness/cli/cli.h"
#include "harness/cli/times_output.h"
#include "harness/errors.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"
#include "harness/model_case.h"
#include "harness/plan.h"
#include "harness/quantity.h"
#include "pools/cores.h"

namespace harness {
namespace {

std::string table(const Cell& cell, const model::Case& c, const model::Prediction& prediction) {
  const model::ClosedForm form = model::closed_form(c);
  std::string out = fmt::format("case      {}\n", describe(cell));
  out += fmt::format("makespan  {} (predicted)\n", format_duration(std::chrono::nanoseconds(prediction.makespan_ns)));
  if (form.in_domain) {
    out += fmt::format("formula   {}; binding: {}\n\n", form.formula, form.binding_term);
  } else {
    out += fmt::format("formula   none: {}\n\n", form.violated);
  }
  append_table(prediction.tasks, out);
  return out;
}

int predict(const CaseOptions& options) {
  runs_of(options);  // means nothing here, but must be right: the flags are those of `case`
  const Cell cell = cell_of(options, pools::usable_cores().count);
  const model::Case c = waiting_case(cell);
  const model::Prediction prediction = model::simulate(c);
  if (!options.json) {
    write_stdout(table(cell, c, prediction));
    return kExitOk;
  }
  std::string out;
  out.reserve(64 + prediction.tasks.size() * 128);
  out += fmt::format(R"({{"makespan_ns": {}, "tasks": )", prediction.makespan_ns);
  append_json(prediction.tasks, out);
  out += "}\n";
  write_stdout(out);
  return kExitOk;
}

}  // namespace

void add_predict_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("predict", "the exact model of one case of sleep tasks; nothing is run");
  auto options = std::make_shared<CaseOptions>();
  add_case_options(*command, *options);
  command->callback([options, &context] { context.action = [options] { return predict(*options); }; });
}

}  // namespace harness
