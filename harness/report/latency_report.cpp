#include "harness/report/latency_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "harness/analysis/latency.h"
#include "harness/base/quantity.h"
#include "harness/report/labelled.h"
#include "harness/report/report.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

constexpr std::pair<std::string_view, model::Quantile Latency::*> kPercentiles[] = {{"p50", &Latency::p50},
                                                                                    {"p95", &Latency::p95},
                                                                                    {"p99", &Latency::p99},
                                                                                    {"p999", &Latency::p999}};
constexpr std::pair<std::string_view, std::int64_t model::SojournSummary::*> kPredicted[] = {
    {"p50", &model::SojournSummary::p50_ns},
    {"p95", &model::SojournSummary::p95_ns},
    {"p99", &model::SojournSummary::p99_ns},
    {"p999", &model::SojournSummary::p999_ns},
    {"max", &model::SojournSummary::max_ns}};

std::string fields_of(const std::optional<model::SojournSummary>& summary) {
  std::string out;
  for (const auto& [name, member] : kPredicted) out += summary ? fmt::format("{},", (*summary).*member) : ",";
  return out;
}

std::string line_of(const model::SojournSummary& summary) {
  return fmt::format("p50 {}, p95 {}, p99 {}, p99.9 {}, max {}", human_ns(summary.p50_ns), human_ns(summary.p95_ns),
                     human_ns(summary.p99_ns), human_ns(summary.p999_ns), human_ns(summary.max_ns));
}

std::string with_interval(std::string_view name, const model::Quantile& quantile) {
  return fmt::format("{} {} [{}, {}]", name, human_ns(quantile.value), human_ns(quantile.lower), human_ns(quantile.upper));
}

void print_latency(std::ostream& out, const Analysis& analysis, const Latency& latency, const CellPrediction& prediction,
                   std::size_t width) {
  const CellSummary& cell = analysis.cells[latency.cell];
  const auto print = [&](std::string_view label, const std::string& text) { print_labelled(out, label, text, width); };
  if (latency.clients == 0) {
    print("latency", fmt::format("{}: the directory has no sojourns of it", name_of(cell)));
  } else {
    print("latency", fmt::format("{}: {}, {}, {}, {}, max {}", name_of(cell), with_interval("p50", latency.p50),
                                 with_interval("p95", latency.p95), with_interval("p99", latency.p99),
                                 with_interval("p99.9", latency.p999), human_ns(latency.max_ns)));
  }
  if (prediction.expected_sojourn) {
    print("expected", line_of(*prediction.expected_sojourn));
  } else if (prediction.predicted_sojourn) {
    print("predicted", line_of(*prediction.predicted_sojourn));
  } else {
    print("predicted", "nothing: " + prediction.why_not);
  }
  print("clients", fmt::format("{} counted of {} that came in {} repetition{}; {} rejected; {:.4g}/s offered, {:.4g}/s served",
                               latency.clients, latency.arrived, cell.ok.size(), cell.ok.size() == 1 ? "" : "s", latency.rejected,
                               latency.offered_per_s, latency.completed_per_s));
  if (!latency.finding.empty()) print("finding", latency.finding);
}

}  // namespace

std::string latency_csv(const Analysis& analysis) {
  std::string out = "cell_id,clients,arrived,rejected,";
  for (const auto& [name, member] : kPercentiles) out += fmt::format("{0}_ns,{0}_low_ns,{0}_high_ns,", name);
  out += "max_ns,";
  for (const char* const which : {"predicted", "expected"}) {
    for (const auto& [name, member] : kPredicted) out += fmt::format("{}_{}_ns,", which, name);
  }
  out += "offered_per_s,completed_per_s,queue_max,release_lag_p99_ns,little_pct,finding\n";

  const std::vector<CellPrediction> predictions = predict_cells(analysis);
  for (const Latency& latency : latencies(analysis)) {
    out += fmt::format("{},{},{},{},", csv_field(analysis.cells[latency.cell].factors.cell_id), latency.clients, latency.arrived,
                       latency.rejected);
    for (const auto& [name, member] : kPercentiles) {
      const model::Quantile& quantile = latency.*member;
      out += latency.clients > 0 ? fmt::format("{},{},{},", quantile.value, quantile.lower, quantile.upper) : ",,,";
    }
    out += latency.clients > 0 ? fmt::format("{},", latency.max_ns) : ",";
    out += fields_of(predictions[latency.cell].predicted_sojourn) + fields_of(predictions[latency.cell].expected_sojourn);
    out += fmt::format("{:.6g},{:.6g},{},{},{},{}\n", latency.offered_per_s, latency.completed_per_s, latency.queue_max,
                       latency.release_lag_p99_ns, latency.little_pct ? fmt::format("{:.3f}", *latency.little_pct) : "",
                       csv_field(latency.finding));
  }
  return out;
}

bool has_latencies(const Analysis& analysis) {
  return std::any_of(analysis.cells.begin(), analysis.cells.end(), [](const CellSummary& cell) { return arrives(cell.factors); });
}

void print_latencies(std::ostream& out, const Analysis& analysis, const std::vector<CellPrediction>& predictions,
                     const Scenario& scenario, std::size_t width) {
  if (!arrives(analysis.cells[scenario.cells.front()].factors)) return;
  for (const Latency& latency : latencies(analysis)) {
    if (std::find(scenario.cells.begin(), scenario.cells.end(), latency.cell) == scenario.cells.end()) continue;
    print_latency(out, analysis, latency, predictions[latency.cell], width);
  }
}

}  // namespace harness
