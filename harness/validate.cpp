#include "harness/validate.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/quantity.h"
#include "harness/sinks/csv.h"

namespace harness {
namespace {

std::string human(std::int64_t ns) { return human_duration(std::chrono::nanoseconds(ns)); }

std::string list_of(const std::vector<std::int64_t>& durations_ms) {
  std::string text;
  for (const std::int64_t ms : durations_ms) text += fmt::format("{}\"{}ms\"", text.empty() ? "" : ", ", ms);
  return "[" + text + "]";
}

// "4 workers, 8 x 100 ms + 60 ms"
std::string cell_text(const ClaimCell& cell) {
  const auto durations = [](const std::vector<std::int64_t>& values) {
    if (std::count(values.begin(), values.end(), values.front()) == static_cast<std::ptrdiff_t>(values.size())) {
      return std::to_string(values.front());
    }
    std::string text;
    for (const std::int64_t value : values) text += fmt::format("{}{}", text.empty() ? "" : ",", value);
    return text;
  };
  return fmt::format("{} k={}{}: {} x {} ms, callbacks {} ms", cell.backend, cell.workers,
                     cell.parsers > 0 ? fmt::format(" m={}", cell.parsers) : "", cell.tasks_ms.size(),
                     durations(cell.tasks_ms), durations(cell.callbacks_ms));
}

}  // namespace

Plan validation_plan(int runs, int cores, std::uint64_t seed) {
  Plan plan;
  plan.suite_name = "validate";
  plan.order = Order::random;
  plan.seed = seed;
  for (const Claim& claim : claims()) {
    Cell cell = cell_of(claim, cores);
    const auto same = [&cell](const PlannedCell& planned) { return planned.cell.cell_id == cell.cell_id; };
    if (std::any_of(plan.cells.begin(), plan.cells.end(), same)) continue;
    plan.cells.push_back({.cell = std::move(cell), .runs = runs, .warmup = 0, .timeout = std::chrono::seconds(60)});
  }
  return plan;
}

std::string validation_suite(int runs, std::uint64_t seed) {
  std::string text = fmt::format(
      "name = \"validate\"\ndescription = \"The cells on which the tutorial's claims are decided\"\n"
      "runs = {}\nwarmup = 0\ntimeout = \"60s\"\norder = \"random\"\nseed = {}\n",
      runs, seed);
  for (const PlannedCell& planned : validation_plan(runs, 1, seed).cells) {
    const auto claim = std::find_if(claims().begin(), claims().end(),
                                    [&](const Claim& c) { return cell_of(c, 1).cell_id == planned.cell.cell_id; });
    const ClaimCell& cell = claim->cell;
    text += fmt::format("\n[[case]]  # {}\nbackend = \"{}\"\nworkers = {}\nworkload = \"sleep\"\nstrategy = \"{}\"\n",
                        claim->id, cell.backend, cell.workers, cell.strategy);
    if (cell.parsers > 0) text += fmt::format("parsers = {}\n", cell.parsers);
    text += fmt::format("task = {}\ncallback = {}\n", list_of(cell.tasks_ms), list_of(cell.callbacks_ms));
  }
  return text;
}

std::vector<ClaimResult> validate(std::span<const Sample> samples) {
  std::vector<ClaimResult> measured = evaluate_claims(samples);
  std::vector<ClaimResult> results;
  for (const Claim& claim : claims()) {
    const auto found = std::find_if(measured.begin(), measured.end(),
                                    [&](const ClaimResult& r) { return r.claim == &claim && r.scale == 1; });
    results.push_back(found != measured.end() ? std::move(*found) : decide(claim, {}, 0));
  }
  return results;
}

std::string claims_json(const std::vector<ClaimResult>& results) {
  nlohmann::ordered_json document;
  document["claims"] = nlohmann::ordered_json::array();
  for (const ClaimResult& result : results) {
    nlohmann::ordered_json claim;
    claim["id"] = result.id();
    claim["verdict"] = to_string(result.verdict);
    claim["expected"] = to_string(result.prediction.expected);
    claim["predicted_ns"] = result.prediction.claimed_ns;
    claim["measured_ns"] = result.measured_ns ? nlohmann::ordered_json(*result.measured_ns) : nlohmann::ordered_json();
    claim["tolerance_ns"] = result.prediction.tolerance_ns;
    const bool refuted = result.verdict == model::Verdict::refuted;
    claim["violated"] = refuted ? nlohmann::ordered_json(result.explanation) : nlohmann::ordered_json();
    document["claims"].push_back(std::move(claim));
  }
  return document.dump(2) + "\n";
}

std::string claims_text(const std::vector<ClaimResult>& results) {
  std::string out = fmt::format("{:<33} {:<13} {:<9} {:>9} {:>9} {:>9}\n", "claim", "verdict", "expected", "claimed",
                                "measured", "tolerance");
  int contradictions = 0;
  for (const ClaimResult& result : results) {
    contradictions += result.contradicts();
    out += fmt::format("{:<33} {:<13} {:<9} {:>9} {:>9} {:>9}{}\n", result.id(), to_string(result.verdict),
                       to_string(result.prediction.expected), human(result.prediction.claimed_ns),
                       result.measured_ns ? human(*result.measured_ns) : "-", human(result.prediction.tolerance_ns),
                       result.contradicts() ? "  <- contradicts the model" : "");
  }
  for (const ClaimResult& result : results) {
    if (result.explanation.empty()) continue;
    out += fmt::format("\n{} is {}: {}\n    {}\n    {} = {}: {}\n", result.id(), to_string(result.verdict),
                       result.claim->english, cell_text(result.claim->cell), result.prediction.formula,
                       human(result.prediction.claimed_ns), result.explanation);
  }
  const auto count = [&results](model::Verdict verdict) {
    return std::count_if(results.begin(), results.end(),
                         [verdict](const ClaimResult& r) { return r.verdict == verdict; });
  };
  out += fmt::format("\n{} claims: {} hold, {} refuted, {} inconclusive; {} contradict{} the model\n", results.size(),
                     count(model::Verdict::holds), count(model::Verdict::refuted), count(model::Verdict::inconclusive),
                     contradictions, contradictions == 1 ? "s" : "");
  return out;
}

std::string claims_csv(const std::vector<ClaimResult>& results) {
  std::string out =
      "id,verdict,expected,predicted_ns,measured_ns,tolerance_ns,violated,formula,model_ns,ci_low_ns,ci_high_ns,n,"
      "failed,"
      "rival,gap_ns,claim,tutorial\n";
  for (const ClaimResult& result : results) {
    const ClaimPrediction& prediction = result.prediction;
    const bool measured = result.measured_ns.has_value();
    const auto number = [](bool there, std::int64_t value) { return there ? std::to_string(value) : std::string(); };
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", result.id(), to_string(result.verdict),
                       to_string(prediction.expected), prediction.claimed_ns,
                       number(measured, result.measured_ns.value_or(0)), prediction.tolerance_ns,
                       csv_field(result.verdict == model::Verdict::refuted ? result.explanation : ""),
                       csv_field(prediction.formula), prediction.model_ns, number(measured, result.interval.lower),
                       number(measured, result.interval.upper), result.makespans_ns.size(), result.failed,
                       csv_field(prediction.rival), number(prediction.gap_ns >= 0, prediction.gap_ns),
                       csv_field(result.claim->english), csv_field(result.claim->chinese));
  }
  return out;
}

bool any_contradiction(const std::vector<ClaimResult>& results) {
  return std::any_of(results.begin(), results.end(), [](const ClaimResult& result) { return result.contradicts(); });
}

}  // namespace harness
