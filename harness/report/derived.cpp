#include "harness/report/derived.h"

#include <fmt/core.h>

#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/closed_loop.h"
#include "harness/analysis/noise.h"
#include "harness/analysis/predictions.h"
#include "harness/base/errors.h"
#include "harness/report/claims_report.h"
#include "harness/report/latency_report.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/sweep/sinks/evidence_csv.h"
#include "harness/sweep/sinks/file.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

// The titles of the scenarios, told apart where two have one: of explicit cases that differ in their durations only.
std::vector<std::string> names_of(const std::vector<Scenario>& scenarios) {
  std::map<std::string, int> with_title;
  for (const Scenario& scenario : scenarios) ++with_title[scenario.title];
  std::map<std::string, int> so_far;
  std::vector<std::string> names;
  for (const Scenario& scenario : scenarios) {
    const bool several = with_title.at(scenario.title) > 1;
    names.push_back(several ? fmt::format("{}, case {}", scenario.title, ++so_far[scenario.title]) : scenario.title);
  }
  return names;
}

std::string summary_csv(const Analysis& analysis) {
  std::string out =
      "cell_id,n,median_ns,ci_low_ns,ci_high_ns,best,ties,failed,ci_coverage,ratio,ratio_low,ratio_high,scenario,disturbed\n";
  const std::vector<std::string> scenarios = names_of(analysis.scenarios);
  const Noise noise = noise_of(analysis);
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    const CellSummary& cell = analysis.cells[i];
    out += fmt::format("{},{},", csv_field(cell.factors.cell_id), cell.makespans_ns.size());
    out += cell.median_ns ? fmt::format("{},{},{},", *cell.median_ns, cell.interval.lower, cell.interval.upper) : ",,,";
    out += fmt::format("{:d},{:d},{},", cell.best, cell.tie, cell.failed);
    out += cell.median_ns ? fmt::format("{:.4f},", cell.interval.coverage) : ",";
    out += cell.ratio ? fmt::format("{:.4f},{:.4f},{:.4f},", cell.ratio->estimate, cell.ratio->lower, cell.ratio->upper) : ",,,";
    out += fmt::format("{},{}\n", csv_field(scenarios[cell.scenario]), noise.disturbed[i]);
  }
  return out;
}

// Of cells that several machines measured: what each of them did.
std::string machines_csv(const Analysis& analysis) {
  std::string out = "cell_id,machine,machine_id,n,median_ns,ci_low_ns,ci_high_ns,ci_coverage,best,ties\n";
  for (const CellSummary& cell : analysis.cells) {
    for (const BlockCell& own : cell.blocks) {
      const Block& block = analysis.blocks[own.block];
      out += fmt::format("{},{},{},{},{},{},{},{:.4f},{:d},{:d}\n", csv_field(cell.factors.cell_id), csv_field(block.name),
                         csv_field(block.machine_id), own.makespans_ns.size(), own.median_ns, own.interval.lower,
                         own.interval.upper, own.interval.coverage, own.best, own.tie);
    }
  }
  return out;
}

std::string closed_loop_csv(const Analysis& analysis, const std::vector<ClosedLoop>& loops) {
  std::string out =
      "cell_id,clients,p50_ns,p50_low_ns,p50_high_ns,p99_ns,p99_low_ns,p99_high_ns,max_ns,predicted_p50_ns,predicted_p99_ns\n";
  for (const ClosedLoop& loop : loops) {
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(analysis.cells[loop.cell].factors.cell_id), loop.clients,
                       loop.p50.value, loop.p50.lower, loop.p50.upper, loop.p99.value, loop.p99.lower, loop.p99.upper,
                       loop.max_ns, loop.predicted_p50_ns, loop.predicted_p99_ns);
  }
  return out;
}

// Empty without one of them.
std::string residual_pct(std::optional<std::int64_t> median_ns, std::optional<std::int64_t> predicted_ns) {
  if (!median_ns || !predicted_ns || *predicted_ns <= 0) return {};
  const double predicted = static_cast<double>(*predicted_ns);
  return fmt::format("{:.3f}", 100 * (static_cast<double>(*median_ns) - predicted) / predicted);
}

std::string model_csv(const Analysis& analysis) {
  std::string out =
      "cell_id,strategy,predicted_ns,formula,in_domain,residual_pct,binding,violated,basis,expected_ns,expected_residual_pct\n";
  const std::vector<CellPrediction> predictions = predict_cells(analysis);
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    const CellSummary& cell = analysis.cells[i];
    const CellPrediction& prediction = predictions[i];
    out += fmt::format("{},{},", csv_field(cell.factors.cell_id), csv_field(cell.factors.strategy));
    if (!prediction.predicted_ns) {
      out += fmt::format(",,0,,,{},,,\n", csv_field(prediction.why_not));
      continue;
    }
    out += fmt::format("{},{},{:d},{},{},{},{},{},{}\n", *prediction.predicted_ns, csv_field(prediction.form.formula),
                       prediction.form.in_domain, residual_pct(cell.median_ns, prediction.predicted_ns),
                       csv_field(prediction.form.binding_term), csv_field(prediction.form.violated), csv_field(prediction.basis),
                       prediction.expected_ns ? fmt::format("{}", *prediction.expected_ns) : "",
                       residual_pct(cell.median_ns, prediction.expected_ns));
  }
  return out;
}

}  // namespace

void derive(const std::filesystem::path& run_directory, const Analysis& analysis) {
  const std::filesystem::path directory = run_directory / "derived";
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) throw OutputError(fmt::format("cannot make '{}': {}", directory.string(), error.message()));
  replace_file(directory / "summary.csv", summary_csv(analysis));
  if (analysis.blocks.size() > 1) replace_file(directory / "machines.csv", machines_csv(analysis));
  replace_file(directory / "model.csv", model_csv(analysis));
  if (has_latencies(analysis)) replace_file(directory / "latency.csv", latency_csv(analysis));
  const std::vector<ClosedLoop> loops = closed_loops(analysis, run_directory);
  if (!loops.empty()) replace_file(directory / "closed_loop.csv", closed_loop_csv(analysis, loops));
  replace_file(directory / "claims.csv", claims_csv(evaluate_claims(analysis.rows, read_evidence(run_directory))));
}

void derive(const std::filesystem::path& run_directory) { derive(run_directory, analyse(run_directory, cells_of_all_claims)); }

}  // namespace harness
