// poolbench predict: the model alone, nothing is run.

#include <fmt/core.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/cli/cli.h"
#include "harness/cli/explanation.h"
#include "harness/cli/formats.h"
#include "harness/cli/predict_options.h"
#include "harness/cli/predict_sweep.h"
#include "harness/cli/times_output.h"
#include "harness/model/arrivals.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"
#include "harness/plan/plan.h"
#include "harness/sweep/interrupt.h"
#include "harness/sweep/sinks/progress.h"
#include "pools/cores.h"
#include "workloads/work.h"

namespace harness {
namespace {

// Beyond this many tasks the table shows its ends; JSON has every task.
constexpr std::size_t kMostLines = 1000;
constexpr std::size_t kEndLines = 20;

std::string formula_line(const model::ClosedForm& form) {
  return form.in_domain ? fmt::format("formula   {}; binding: {}", form.formula, form.binding_term)
                        : fmt::format("formula   none: {}", form.violated);
}

// {"mean": 1, "p50": 2, "p95": 3, "p99": 4, "max": 5}, ns
std::string sojourn_json(const model::SojournSummary& sojourn) {
  return fmt::format(R"({{"mean": {}, "p50": {}, "p95": {}, "p99": {}, "max": {}}})", sojourn.mean_ns, sojourn.p50_ns,
                     sojourn.p95_ns, sojourn.p99_ns, sojourn.max_ns);
}

std::string sojourn_line(const model::SojournSummary& sojourn) {
  return fmt::format("sojourn   mean {}, p50 {}, p95 {}, p99 {}, max {} (from the arrival to the end of the callback)",
                     human_ns(sojourn.mean_ns), human_ns(sojourn.p50_ns), human_ns(sojourn.p95_ns), human_ns(sojourn.p99_ns),
                     human_ns(sojourn.max_ns));
}

// What of them is asked for, each closed by ", ".
std::string counts_json(const PredictedPoint& point, const ClientCounts& counts) {
  std::string out;
  if (point.model_case.queue > 0) out += fmt::format(R"("rejected": {}, )", counts.rejected);
  if (point.factors.deadline_ns > 0) out += fmt::format(R"("late_by_deadline": {}, )", counts.late_by_deadline);
  return out;
}

// "clients   100: 12 rejected, 31 served after the deadline of 200ms"; empty where nothing of it is asked.
std::string counts_line(const PredictedPoint& point, const model::Prediction& prediction) {
  const ClientCounts counts = counts_of(point, prediction);
  std::string line;
  if (point.model_case.queue > 0) line = fmt::format("{} rejected", counts.rejected);
  if (point.factors.deadline_ns > 0) {
    line += fmt::format("{}{} served after the deadline of {}", line.empty() ? "" : ", ", counts.late_by_deadline,
                        format_duration(std::chrono::nanoseconds(point.factors.deadline_ns)));
  }
  return line.empty() ? line : fmt::format("clients   {}: {}\n", prediction.tasks.size(), line);
}

std::string prediction_table(const PredictedPoint& point, const model::Prediction& prediction, bool explain, const Look& look) {
  std::string out = hang("case      " + describe(point.factors), 10, look.columns);
  const std::string makespan = format_duration(std::chrono::nanoseconds(prediction.makespan_ns));
  out += painted(fmt::format("makespan  {} (predicted)", makespan), Paint::strong, look) + '\n';
  if (explain) {
    out += explanation_text(point.model_case, prediction, look.columns);
    return out;
  }
  const model::Case& c = point.model_case;
  if (c.arrivals_ns.empty()) {
    out += hang(formula_line(model::closed_form(c)), 10, look.columns) + "\n";
  } else {
    out += hang(sojourn_line(model::summarise_sojourns(c, prediction)), 10, look.columns) + counts_line(point, prediction) + "\n";
  }
  return out + times_table(prediction.tasks, look.columns, kMostLines, kEndLines, c.arrivals_ns);
}

int predict_one(const PredictOptions& options, PredictRequest request) {
  const PredictedPoint& point = request.move_to(0);
  const model::Prediction prediction = model::simulate(point.model_case);
  if (!options.base.json) {
    write_stdout(prediction_table(point, prediction, options.explain, text_look()));
    return kExitOk;
  }
  std::string out;
  out.reserve(64 + prediction.tasks.size() * 128);
  out += fmt::format(R"({{{}, "makespan_ns": {}, )", asked_json(options.base, &point.model_case), prediction.makespan_ns);
  if (request.parsers_auto()) out += fmt::format(R"("parsers": {}, )", point.factors.parsers);
  if (options.explain) {
    out += R"("explain": )";
    append_explanation_json(point.model_case, prediction, out);
    out += ", ";
  }
  const model::Case& c = point.model_case;
  if (!c.arrivals_ns.empty()) {
    out += fmt::format(R"("sojourn_ns": {}, )", sojourn_json(model::summarise_sojourns(c, prediction)));
    out += counts_json(point, counts_of(point, prediction));
  }
  out += R"("tasks": )";
  append_json(prediction.tasks, out, c.arrivals_ns);
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

std::string sweep_table(PredictRequest& request, const PredictedSweep& sweep, const Look& look) {
  const PredictedPoint& best = request.move_to(sweep.rows[sweep.best].sizes);
  const bool parsers = best.model_case.strategy == model::Strategy::extra;
  const bool chunks = best.model_case.strategy == model::Strategy::map;
  const bool flights = best.model_case.in_flight > 0;
  const std::int64_t serial = one_at_a_time_ns(best.model_case);
  const bool arriving = !best.model_case.arrivals_ns.empty();
  const bool rejects = best.model_case.queue > 0;
  const bool hurries = best.factors.deadline_ns > 0;
  std::vector<TextTable::Heading> headings{{"workers"}};
  if (parsers) headings.push_back({"parsers"});
  if (chunks) headings.push_back({"chunksize"});
  if (flights) headings.push_back({"in flight"});
  headings.push_back({"makespan"});
  if (arriving) {
    headings.insert(headings.end(), {{"p50"}, {"p95"}, {"p99"}, {"max"}});
    if (rejects) headings.push_back({"rejected"});
    if (hurries) headings.push_back({"late"});
  } else {
    headings.push_back({"speedup"});
  }
  headings.push_back({arriving ? "" : "what decides", TextTable::Column::words});
  TextTable table(std::move(headings));
  for (std::size_t i = 0; i < sweep.rows.size(); ++i) {
    const SweepRow& row = sweep.rows[i];
    std::vector<std::string> cells{std::to_string(row.sizes.workers)};
    if (parsers) cells.push_back(std::to_string(row.sizes.parsers));
    if (chunks) cells.push_back(std::to_string(row.sizes.chunksize));
    if (flights) cells.push_back(std::to_string(row.sizes.in_flight));
    if (row.sojourn) {
      cells.push_back(human_ns(row.makespan_ns));
      for (const std::int64_t ns : {row.sojourn->p50_ns, row.sojourn->p95_ns, row.sojourn->p99_ns, row.sojourn->max_ns})
        cells.push_back(human_ns(ns));
      if (rejects) cells.push_back(std::to_string(row.counts.rejected));
      if (hurries) cells.push_back(std::to_string(row.counts.late_by_deadline));
      cells.emplace_back(i == sweep.best ? "<- least p99, with the fewest" : "");
    } else {
      const double speedup = row.makespan_ns > 0 ? static_cast<double>(serial) / static_cast<double>(row.makespan_ns) : 1.0;
      cells.push_back(human_duration(std::chrono::nanoseconds(row.makespan_ns)));
      cells.push_back(fmt::format("{:.2f}x", speedup));
      cells.push_back(row.decides + (i == sweep.best ? " <- best, and the fewest that reach it" : ""));
    }
    if (i == sweep.best) {
      for (std::string& cell : cells) cell = painted(cell, Paint::good, look);
    }
    table.row(std::move(cells));
  }
  return hang(fmt::format("case      {}", describe(best.factors)), 10, look.columns) + table.text(look.columns);
}

std::string sweep_json(const PredictRequest& request, const PredictedSweep& sweep) {
  const std::int64_t serial = one_at_a_time_ns(request.point().model_case);
  std::string out = fmt::format(R"({{"one_at_a_time_ns": {}, "best": {}, )", serial, sweep.best);
  if (sweep.interrupted) out += fmt::format(R"("missing": {}, )", request.points() - sweep.rows.size());
  out += R"("sweep": [)";
  for (std::size_t i = 0; i < sweep.rows.size(); ++i) {
    const SweepRow& row = sweep.rows[i];
    const std::string sojourn = row.sojourn ? fmt::format(R"(, "sojourn_ns": {})", sojourn_json(*row.sojourn)) : "";
    const std::string in_flight = row.sizes.in_flight > 0 ? fmt::format(R"("in_flight": {}, )", row.sizes.in_flight) : "";
    fmt::format_to(std::back_inserter(out),
                   R"({}{{"workers": {}, "workers_spec": "{}", "parsers": {}, "chunksize": {}, {}{}"makespan_ns": {}{}}})",
                   i > 0 ? ", " : "", row.sizes.workers, row.sizes.workers_spec, row.sizes.parsers, row.sizes.chunksize,
                   in_flight, counts_json(request.point(), row.counts), row.makespan_ns, sojourn);
  }
  out += "]}\n";
  return out;
}

int predict_sweep(const PredictOptions& options, PredictRequest request) {
  const bool json = options.base.json;
  PredictedSweep sweep;
  {
    const InterruptScope interrupts;
    sweep = predict_points(request, !json,
                           {[] { return std::chrono::nanoseconds(workloads::monotonic_ns()); }, interrupt_requested,
                            stderr_progress()});
  }
  if (!sweep.rows.empty()) write_stdout(json ? sweep_json(request, sweep) : sweep_table(request, sweep, text_look()));
  if (!sweep.interrupted) return kExitOk;
  say(fmt::format("poolbench: interrupted after {} of {} cases\n", sweep.rows.size(), request.points()));
  return kExitInterrupted;
}

int predict(const PredictOptions& options) {
  runs_of(options.base);  // means nothing here, but must be right: the flags are those of `case`
  PredictRequest request = predict_request(options, pools::usable_cores().count);
  return options.sweeps.empty() ? predict_one(options, std::move(request)) : predict_sweep(options, std::move(request));
}

}  // namespace

void add_predict_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("predict", "the exact model of one case, or of a sweep; nothing is run");
  auto options = std::make_shared<PredictOptions>();
  add_predict_options(*command, *options);
  add_colour_flag(*command, context);
  command->callback([options, &context] { context.action = [options] { return predict(*options); }; });
}

}  // namespace harness
