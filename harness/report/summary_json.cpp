#include "harness/report/summary_json.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "harness/analysis/latency.h"
#include "harness/analysis/noise.h"
#include "harness/analysis/predictions.h"
#include "harness/report/sentences.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(nullptr); }

Json with_id(const std::string& cell_id, const Factors& factors) {
  Json json;
  json["cell_id"] = cell_id;
  for_each_factor(factors, [&json](const Factor& factor, const auto& value) { json[std::string(factor.name)] = value; });
  return json;
}

Json quantile_json(const model::Quantile& quantile) {
  return {{"value", quantile.value}, {"low", quantile.lower}, {"high", quantile.upper}, {"coverage", quantile.coverage}};
}

Json sojourn_summary_json(const std::optional<model::SojournSummary>& summary) {
  if (!summary) return nullptr;
  return {{"p50", summary->p50_ns},
          {"p95", summary->p95_ns},
          {"p99", summary->p99_ns},
          {"p999", summary->p999_ns},
          {"max", summary->max_ns}};
}

Json counts_json(const std::optional<ClientCounts>& counts, std::int64_t repetitions) {
  if (!counts) return nullptr;
  return {{"rejected", repetitions * counts->rejected}, {"late_by_deadline", repetitions * counts->late_by_deadline}};
}

// Counts are of that many repetitions.
Json latency_json(const Latency& latency, const CellPrediction& prediction, std::int64_t repetitions) {
  Json json;
  json["clients"] = latency.clients;
  json["arrived"] = latency.arrived;
  json["rejected"] = latency.rejected;
  json["late_by_deadline"] = latency.late_by_deadline;
  json["offered_per_s"] = latency.offered_per_s;
  json["completed_per_s"] = latency.completed_per_s;
  if (latency.clients > 0) {
    json["sojourn_ns"] = {{"p50", quantile_json(latency.p50)},
                          {"p95", quantile_json(latency.p95)},
                          {"p99", quantile_json(latency.p99)},
                          {"p999", quantile_json(latency.p999)},
                          {"max", latency.max_ns}};
  }
  json["predicted_sojourn_ns"] = sojourn_summary_json(prediction.predicted_sojourn);
  json["expected_sojourn_ns"] = sojourn_summary_json(prediction.expected_sojourn);
  json["predicted_counts"] = counts_json(prediction.predicted_counts, repetitions);
  json["expected_counts"] = counts_json(prediction.expected_counts, repetitions);
  json["little_pct"] = latency.little_pct ? Json(*latency.little_pct) : Json(nullptr);
  json["finding"] = latency.finding;
  return json;
}

}  // namespace

Json factors_json(const RowKind& row) { return with_id(row.cell_id, row); }

Json factors_json(const Cell& cell) { return with_id(cell.cell_id, cell); }

std::string plan_json(const Plan& plan) {
  Json document;
  document["suite"] = plan.suite_name;
  document["cells"] = Json::array();
  int repetitions = 0;
  for (const PlannedCell* const own : own_cells(plan)) {
    Json json = factors_json(own->cell);
    json["runs"] = own->runs;
    json["warmup"] = own->warmup;
    json["predicted_ns"] = predicted_makespan(own->cell).count();
    repetitions += own->runs + own->warmup;
    document["cells"].push_back(std::move(json));
  }
  document["skips"] = Json::array();
  for (const Skip& skip : plan.skips) document["skips"].push_back({{"what", skip.what}, {"reason", skip.reason}});
  document["repetitions"] = repetitions;
  document["estimate_ns"] = std::chrono::nanoseconds(estimated_time(plan)).count();
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string analysis_json(const Analysis& analysis) {
  const std::vector<CellPrediction> predictions = predict_cells(analysis);
  std::map<std::size_t, Json> latency_of;
  for (const Latency& latency : latencies(analysis)) {
    const auto repetitions = static_cast<std::int64_t>(analysis.cells[latency.cell].ok.size());
    latency_of[latency.cell] = latency_json(latency, predictions[latency.cell], repetitions);
  }
  const Noise noise = noise_of(analysis);
  Json document;
  document["machine_id"] = analysis.rows.empty() ? "" : analysis.rows.back().kind->machine_id;
  document["build_id"] = analysis.rows.empty() ? "" : analysis.rows.back().kind->build_id;
  document["answers"] = answers(analysis);
  document["noise"] = noise_text(analysis, noise);
  document["cells"] = Json::array();
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    const CellSummary& cell = analysis.cells[i];
    Json json = factors_json(cell.factors);
    json["n"] = cell.makespans_ns.size();
    json["failed"] = cell.failed;
    json["disturbed"] = noise.disturbed[i];
    json["failure"] = cell.failure;
    const bool measured = cell.median_ns.has_value();
    json["median_ns"] = or_null(cell.median_ns);
    json["ci_low_ns"] = measured ? Json(cell.interval.lower) : Json(nullptr);
    json["ci_high_ns"] = measured ? Json(cell.interval.upper) : Json(nullptr);
    json["ci_coverage"] = measured ? Json(cell.interval.coverage) : Json(nullptr);
    json["predicted_ns"] = or_null(predictions[i].predicted_ns);
    json["scenario"] = analysis.scenarios[cell.scenario].title;
    json["best"] = cell.best;
    json["ties"] = cell.tie;
    json["ratio"] = cell.ratio ? Json(cell.ratio->estimate) : Json(nullptr);
    json["ratio_low"] = cell.ratio ? Json(cell.ratio->lower) : Json(nullptr);
    json["ratio_high"] = cell.ratio ? Json(cell.ratio->upper) : Json(nullptr);
    if (const auto found = latency_of.find(i); found != latency_of.end()) json["latency"] = found->second;
    for (const BlockCell& own : cell.blocks) {
      json["machines"][analysis.blocks[own.block].name] = {{"n", own.makespans_ns.size()},
                                                           {"median_ns", own.median_ns},
                                                           {"best", own.best},
                                                           {"ties", own.tie}};
    }
    document["cells"].push_back(std::move(json));
  }
  // An error message may hold bytes that are no UTF-8, which JSON cannot.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace harness
