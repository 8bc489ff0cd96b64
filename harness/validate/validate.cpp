#include "harness/validate/validate.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/engine/backends/experiments.h"
#include "harness/plan/plan.h"

namespace harness {
namespace {

constexpr std::chrono::seconds kTimeout{60};

// Repetitions at that multiple of a claim's unit, before and after it was found open.
int repetitions_at(const Claim& claim, std::int64_t multiple, int runs, bool was_open) {
  const int first = multiple == 1 ? runs : (3 * runs + 4) / 5;
  if (!was_open) return first;
  return first + (claim.is_formula ? kMoreAtThreeScales / 3 : kMoreAtOneScale);
}

void plan_cell(Plan& plan, Cell cell, int runs) {
  for (PlannedCell& planned : plan.cells) {
    if (planned.cell.cell_id != cell.cell_id) continue;
    planned.runs = std::max(planned.runs, runs);  // claims that share a cell share its repetitions
    return;
  }
  plan.cells.push_back({.cell = std::move(cell), .runs = runs, .warmup = 0, .timeout = kTimeout});
}

void plan_claim(Plan& plan, const Claim& claim, int cores, std::int64_t unit, int runs, bool was_open) {
  for (const std::int64_t multiple : kScales) {
    if (multiple > 1 && !claim.is_formula) break;
    for (Cell& cell : cells_of(claim, cores, unit * multiple)) {
      plan_cell(plan, std::move(cell), repetitions_at(claim, multiple, runs, was_open));
    }
  }
}

Plan empty_plan(std::uint64_t seed) {
  Plan plan;
  plan.suite_name = "validate";
  plan.order = Order::random;
  plan.seed = seed;
  return plan;
}

std::string quoted_list(const std::vector<std::int64_t>& durations_ns) {
  std::string text;
  for (const std::int64_t ns : durations_ns) text += fmt::format("{}\"{}ms\"", text.empty() ? "" : ", ", ns / 1'000'000);
  return "[" + text + "]";
}

}  // namespace

Plan validation_plan(int runs, int cores, std::uint64_t seed, const ChosenClaims& chosen) {
  Plan plan = empty_plan(seed);
  for (Cell& cell : calibration_cells(cores, chosen)) plan_cell(plan, std::move(cell), runs);
  for (const Claim* claim : chosen) {
    if (lacking(*claim).empty()) plan_claim(plan, *claim, cores, 1, runs, false);
  }
  return plan;
}

Plan next_round(std::span<const ClaimResult> results, int runs, int cores, std::uint64_t seed) {
  Plan plan = empty_plan(seed);
  for (const ClaimResult& result : results) {
    if (result.verdict != model::Verdict::inconclusive) continue;
    const Claim& claim = *result.claim;
    if (!lacking(claim).empty()) continue;
    int wanted = 0;
    int there = 0;
    for (const std::int64_t multiple : kScales) {
      if (multiple == 1 || claim.is_formula) wanted += repetitions_at(claim, multiple, runs, true);
    }
    for (const ScaleValues& at : result.scales) there += static_cast<int>(at.values_ns.size()) + at.failed;
    // A gap that is too small to begin with, more repetitions do not widen.
    const bool hopeless = result.prediction.gap_ns < kLeastGap;
    if (!hopeless && there < wanted) {
      plan_claim(plan, claim, cores, result.scale, runs, true);
    } else if (result.too_blunt && result.prediction.gap_ns > 0 && result.scale < (std::int64_t{1} << kMostDoublings)) {
      plan_claim(plan, claim, cores, 2 * result.scale, runs, false);
    }
  }
  return plan;
}

std::string validation_suite(int runs, std::uint64_t seed) {
  std::string text = fmt::format(
      "name = \"validate\"\ndescription = \"The cells on which the tutorial's formulas are decided\"\n"
      "runs = {}\nwarmup = 0\ntimeout = \"60s\"\norder = \"random\"\nseed = {}\n",
      runs, seed);
  std::vector<std::string> written;
  for (const Claim& claim : claims()) {
    if (!claim.is_formula) continue;
    // Suites leave out what has no effect: chunks on threads.
    if (claim.cells.front().backend == "thread" && claim.cells.front().chunksize > 1) continue;
    for (const std::int64_t scale : kScales) {
      const Cell cell = cell_of(claim, 1, scale);
      if (std::find(written.begin(), written.end(), cell.cell_id) != written.end()) continue;
      written.push_back(cell.cell_id);
      text += fmt::format("\n[[case]]  # {} x{}\nbackend = \"{}\"\nworkers = {}\nworkload = \"{}\"\nstrategy = \"{}\"\n",
                          claim.id, scale, cell.backend, cell.workers, cell.workload, cell.strategy);
      if (cell.parsers > 0) text += fmt::format("parsers = {}\n", cell.parsers);
      if (cell.chunksize > 1) text += fmt::format("chunksize = {}\n", cell.chunksize);
      text +=
          fmt::format("task = {}\ncallback = {}\n", quoted_list(cell.task_durations_ns), quoted_list(cell.callback_durations_ns));
    }
  }
  return text;
}

std::vector<ClaimResult> validate(std::span<const Sample> samples, const EvidenceOf& evidence, int cores,
                                  const ChosenClaims& chosen) {
  std::vector<ClaimResult> measured = evaluate_claims(samples, evidence);
  std::vector<ClaimResult> results;
  for (const Claim* claim : chosen) {
    // Of several the one of the longest durations: the others were too blunt. Of a formula, the one with all scales.
    ClaimResult* best = nullptr;
    for (ClaimResult& result : measured) {
      if (result.claim != claim) continue;
      const bool more = best == nullptr || result.scales.size() > best->scales.size() ||
                        (result.scales.size() == best->scales.size() && result.scale > best->scale);
      if (more) best = &result;
    }
    results.push_back(best != nullptr ? std::move(*best) : decide(*claim, cores, {}));
    if (std::string lacks = lacking(*claim); best == nullptr && !lacks.empty()) results.back().explanation = std::move(lacks);
  }
  return results;
}

bool any_contradiction(std::span<const ClaimResult> results) {
  return std::any_of(results.begin(), results.end(), [](const ClaimResult& result) { return result.contradicts(); });
}

}  // namespace harness
