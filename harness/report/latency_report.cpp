#include "harness/report/latency_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
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

// Of so many repetitions.
std::string fields_of(const std::optional<ClientCounts>& counts, std::int64_t repetitions) {
  return counts ? fmt::format(",{},{}", repetitions * counts->rejected, repetitions * counts->late_by_deadline) : ",,";
}

std::string line_of(const model::SojournSummary& summary) {
  return fmt::format("p50 {}, p95 {}, p99 {}, p99.9 {}, max {}", human_ns(summary.p50_ns), human_ns(summary.p95_ns),
                     human_ns(summary.p99_ns), human_ns(summary.p999_ns), human_ns(summary.max_ns));
}

std::string with_interval(std::string_view name, const model::Quantile& quantile) {
  return fmt::format("{} {} [{}, {}]", name, human_ns(quantile.value), human_ns(quantile.lower), human_ns(quantile.upper));
}

// "of all clients 12 rejected (the model: 10), 31 served after the deadline of 200ms (the model: 33)", of all repetitions.
std::string counts_line(const CellSummary& cell, const Latency& latency, const CellPrediction& prediction) {
  const std::optional<ClientCounts>& counts =
      prediction.expected_counts ? prediction.expected_counts : prediction.predicted_counts;
  const auto repetitions = static_cast<std::int64_t>(cell.ok.size());
  const auto beside = [&](std::int64_t ClientCounts::*member) {
    return counts ? fmt::format(" (the model: {})", repetitions * (*counts).*member) : std::string();
  };
  std::string line = fmt::format("of all clients {} rejected{}", latency.rejected, beside(&ClientCounts::rejected));
  if (cell.factors.deadline_ns > 0) {
    line +=
        fmt::format(", {} served after the deadline of {}{}", latency.late_by_deadline,
                    format_duration(std::chrono::nanoseconds(cell.factors.deadline_ns)), beside(&ClientCounts::late_by_deadline));
  }
  return line;
}

void print_latency(std::ostream& out, const Analysis& analysis, const Latency& latency, const CellPrediction& prediction,
                   const Look& look) {
  const CellSummary& cell = analysis.cells[latency.cell];
  const auto print = [&](std::string_view label, const std::string& text) { print_labelled(out, label, text, look); };
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
    print("predicted", prediction.why_not.empty() ? "nobody who counts is served" : "nothing: " + prediction.why_not);
  }
  print("clients", fmt::format("{} counted of {} that came in {} repetition{}; {} rejected; {} offered, {} served",
                               latency.clients, latency.arrived, cell.ok.size(), cell.ok.size() == 1 ? "" : "s", latency.rejected,
                               human_rate(latency.offered_per_s), human_rate(latency.completed_per_s)));
  if (cell.factors.deadline_ns > 0 || latency.rejected > 0) print("too late", counts_line(cell, latency, prediction));
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
  out +=
      "offered_per_s,completed_per_s,queue_max,release_lag_p99_ns,little_pct,finding,late_by_deadline,"
      "predicted_rejected,predicted_late_by_deadline,expected_rejected,expected_late_by_deadline\n";

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
    out += fmt::format("{:.6g},{:.6g},{},{},{},{},{}", latency.offered_per_s, latency.completed_per_s, latency.queue_max,
                       latency.release_lag_p99_ns, latency.little_pct ? fmt::format("{:.3f}", *latency.little_pct) : "",
                       csv_field(latency.finding), latency.late_by_deadline);
    const auto repetitions = static_cast<std::int64_t>(analysis.cells[latency.cell].ok.size());
    out += fields_of(predictions[latency.cell].predicted_counts, repetitions);
    out += fields_of(predictions[latency.cell].expected_counts, repetitions) + '\n';
  }
  return out;
}

bool has_latencies(const Analysis& analysis) {
  return std::any_of(analysis.cells.begin(), analysis.cells.end(), [](const CellSummary& cell) { return arrives(cell.factors); });
}

void print_latencies(std::ostream& out, const Analysis& analysis, const std::vector<CellPrediction>& predictions,
                     const Scenario& scenario, const Look& look) {
  if (!arrives(analysis.cells[scenario.cells.front()].factors)) return;
  for (const Latency& latency : latencies(analysis)) {
    if (std::find(scenario.cells.begin(), scenario.cells.end(), latency.cell) == scenario.cells.end()) continue;
    print_latency(out, analysis, latency, predictions[latency.cell], look);
  }
}

}  // namespace harness
