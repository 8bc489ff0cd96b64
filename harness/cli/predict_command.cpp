// poolbench predict: the model alone, nothing is run.

#include <fmt/core.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <string>

#include "harness/cli/cli.h"
#include "harness/cli/explanation.h"
#include "harness/cli/predict_options.h"
#include "harness/cli/times_output.h"
#include "harness/cli/wrap.h"
#include "harness/errors.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"
#include "harness/plan.h"
#include "harness/quantity.h"
#include "pools/cores.h"

namespace harness {
namespace {

// Beyond this many tasks the table shows its ends; JSON has every task.
constexpr std::size_t kMostLines = 1000;
constexpr std::size_t kEndLines = 20;

std::string formula_line(const model::ClosedForm& form) {
  return form.in_domain ? fmt::format("formula   {}; binding: {}", form.formula, form.binding_term)
                        : fmt::format("formula   none: {}", form.violated);
}

std::string table(const PredictedPoint& point, const model::Prediction& prediction, bool explain) {
  std::string out = hang("case      " + describe(point.cell), 10);
  out += fmt::format("makespan  {} (predicted)\n", format_duration(std::chrono::nanoseconds(prediction.makespan_ns)));
  if (explain) {
    out += explanation_text(point.model_case, prediction);
    return out;
  }
  out += hang(formula_line(model::closed_form(point.model_case)), 10) + "\n";
  append_table(prediction.tasks, out, kMostLines, kEndLines);
  return out;
}

int predict_one(const PredictOptions& options, const PredictRequest& request) {
  const PredictedPoint& point = request.points.front();
  const model::Prediction prediction = model::simulate(point.model_case);
  if (!options.base.json) {
    write_stdout(table(point, prediction, options.explain));
    return kExitOk;
  }
  std::string out;
  out.reserve(64 + prediction.tasks.size() * 128);
  out += fmt::format(R"({{"makespan_ns": {}, )", prediction.makespan_ns);
  if (request.parsers_auto) out += fmt::format(R"("parsers": {}, )", point.cell.parsers);
  if (options.explain) {
    out += R"("explain": )";
    append_explanation_json(point.model_case, prediction, out);
    out += ", ";
  }
  out += R"("tasks": )";
  append_json(prediction.tasks, out);
  out += "}\n";
  write_stdout(out);
  return kExitOk;
}

// What all tasks and callbacks take one after another.
std::int64_t one_at_a_time_ns(const model::Case& c) {
  std::int64_t sum = 0;
  for (const model::Demand& task : c.tasks) sum += task.service_ns();
  if (model::has_callbacks(c.strategy)) {
    for (const model::Demand& callback : c.callbacks) sum += callback.service_ns();
  }
  return sum;
}

struct Row {
  const Cell* cell;
  std::int64_t makespan_ns;
  std::string decides;  // the term that binds, or why no formula holds
};

std::string sweep_table(const PredictRequest& request, const std::vector<Row>& rows, std::size_t best) {
  const bool parsers = request.points.front().model_case.strategy == model::Strategy::extra;
  const bool chunks = request.points.front().model_case.strategy == model::Strategy::map;
  const std::int64_t serial = one_at_a_time_ns(request.points.front().model_case);
  std::string out = hang(fmt::format("case      {}", describe(request.points[best].cell)), 10);
  out += fmt::format("{:>10}", "workers");
  if (parsers) out += fmt::format(" {:>8}", "parsers");
  if (chunks) out += fmt::format(" {:>9}", "chunksize");
  out += fmt::format(" {:>14} {:>8}  what decides\n", "makespan", "speedup");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    std::string line = fmt::format("{:>10}", row.cell->workers);
    if (parsers) line += fmt::format(" {:>8}", row.cell->parsers);
    if (chunks) line += fmt::format(" {:>9}", row.cell->chunksize);
    const double speedup =
        row.makespan_ns > 0 ? static_cast<double>(serial) / static_cast<double>(row.makespan_ns) : 1.0;
    line += fmt::format(" {:>14} {:>7.2f}x  ", human_duration(std::chrono::nanoseconds(row.makespan_ns)), speedup);
    const std::size_t indent = line.size();
    line += row.decides;
    if (i == best) line += " <- best, and the fewest that reach it";
    out += hang(line, indent);
  }
  return out;
}

std::string sweep_json(const PredictRequest& request, const std::vector<Row>& rows, std::size_t best) {
  const std::int64_t serial = one_at_a_time_ns(request.points.front().model_case);
  std::string out = fmt::format(R"({{"one_at_a_time_ns": {}, "best": {}, "sweep": [)", serial, best);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    fmt::format_to(std::back_inserter(out),
                   R"({}{{"workers": {}, "workers_spec": "{}", "parsers": {}, "chunksize": {}, "makespan_ns": {}}})",
                   i > 0 ? ", " : "", rows[i].cell->workers, rows[i].cell->workers_spec, rows[i].cell->parsers,
                   rows[i].cell->chunksize, rows[i].makespan_ns);
  }
  out += "]}\n";
  return out;
}

int predict_sweep(const PredictOptions& options, const PredictRequest& request) {
  std::vector<Row> rows;
  std::size_t best = 0;
  for (const PredictedPoint& point : request.points) {
    Row row{&point.cell, model::simulate(point.model_case).makespan_ns, ""};
    if (!options.base.json) {
      const model::ClosedForm form = model::closed_form(point.model_case);
      row.decides = form.in_domain ? form.formula + ": " + form.binding_term : form.formula;
    }
    rows.push_back(std::move(row));
    // Of equal makespans the one with fewer workers and parsers in all, then the earlier.
    const auto cost = [](const Row& r) { return std::pair(r.makespan_ns, r.cell->workers + r.cell->parsers); };
    if (cost(rows.back()) < cost(rows[best])) best = rows.size() - 1;
  }
  write_stdout(options.base.json ? sweep_json(request, rows, best) : sweep_table(request, rows, best));
  return kExitOk;
}

int predict(const PredictOptions& options) {
  runs_of(options.base);  // means nothing here, but must be right: the flags are those of `case`
  const PredictRequest request = predict_request(options, pools::usable_cores().count);
  return options.sweeps.empty() ? predict_one(options, request) : predict_sweep(options, request);
}

}  // namespace

void add_predict_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("predict", "the exact model of one case, or of a sweep; nothing is run");
  auto options = std::make_shared<PredictOptions>();
  add_predict_options(*command, *options);
  command->callback([options, &context] { context.action = [options] { return predict(*options); }; });
}

}  // namespace harness
