#include "harness/validate/claims.h"

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/engine/backends/backend.h"
#include "harness/plan/cell_builder.h"
#include "harness/sweep/gate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

std::vector<std::int64_t> scaled_ns(const std::vector<std::int64_t>& values, std::int64_t scale) {
  std::vector<std::int64_t> ns;
  ns.reserve(values.size());
  for (const std::int64_t value : values) ns.push_back(value * kMs * scale);
  return ns;
}

Cell complete(const ClaimCell& wanted, int cores, std::int64_t scale) {
  Factors factors;
  factors.backend = wanted.backend;
  factors.workers = wanted.per_core ? wanted.workers * cores : wanted.workers;
  factors.workers_spec = !wanted.per_core      ? std::to_string(wanted.workers)
                         : wanted.workers == 1 ? "cores"
                                               : fmt::format("cores*{}", wanted.workers);
  factors.cores = cores;
  factors.workload = wanted.workload;
  factors.strategy = wanted.strategy;
  factors.parsers = wanted.parsers;
  factors.chunksize = wanted.chunksize;
  return CellBuilder(std::move(factors))
      .durations(scaled_ns(wanted.tasks_ms, scale), scaled_ns(wanted.callbacks_ms, scale))
      .seeded_by(1)
      .build();
}

// In units of the tolerance, millionths: 1'000'000 is its edge.
constexpr std::int64_t kEdge = 1'000'000;
std::int64_t deviation(std::int64_t value, std::int64_t claimed, std::int64_t tolerance) {
  __extension__ using Wide = __int128;
  const Wide units = Wide{value - claimed} * kEdge / tolerance;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;
  return static_cast<std::int64_t>(std::clamp(units, Wide{-kMost}, Wide{kMost}));
}

// On which side of the tolerance the slope lies, in ns per unit of scale.
model::Verdict by_slope(const model::Regression& regression, const ClaimPrediction& prediction) {
  const double distance = std::abs(regression.line.slope - static_cast<double>(prediction.claimed_ns));
  return distance <= static_cast<double>(prediction.tolerance_ns) ? model::Verdict::holds : model::Verdict::refuted;
}

}  // namespace

std::span<const Claim> claims() {
  static const std::vector<Claim> kClaims = [] {
    std::vector<Claim> all;
    for (const auto family : kClaimFamilies) {
      for (Claim& claim : family()) all.push_back(std::move(claim));
    }
    return all;
  }();
  return kClaims;
}

ChosenClaims claims_matching(const std::string& pattern) {
  ChosenClaims chosen;
  std::string ids;
  for (const Claim& claim : claims()) {
    const std::string id(claim.id);
    if (::fnmatch(pattern.c_str(), id.c_str(), 0) == 0) chosen.push_back(&claim);
    ids += (ids.empty() ? "" : ", ") + id;
  }
  if (chosen.empty()) throw ConfigError(fmt::format("no claim matches '{}'; there are {}", printable(pattern, 60), ids));
  return chosen;
}

std::string lacking(const Claim& claim) {
  for (const ClaimCell& cell : claim.cells) {
    const auto all = backend_catalogue();
    const auto backend = std::ranges::find(all, cell.backend, &Backend::name);
    if (backend == all.end()) continue;  // an experiment's
    if (!(*backend)->missing().empty()) return fmt::format("{}: {}", cell.backend, (*backend)->missing());
    try {
      (*backend)->require();
    } catch (const ConfigError& error) {
      return fmt::format("{}: {}", cell.backend, error.what());
    }
  }
  return {};
}

std::vector<Cell> cells_of(const Claim& claim, int cores, std::int64_t scale) {
  std::vector<Cell> cells;
  for (const ClaimCell& wanted : claim.cells) cells.push_back(complete(wanted, cores, scale));
  return cells;
}

std::vector<Cell> cells_of_all_claims(int cores) {
  std::vector<Cell> cells;
  for (const Claim& claim : claims()) {
    for (const std::int64_t scale : kScales) {
      for (Cell& cell : cells_of(claim, cores, scale)) cells.push_back(std::move(cell));
      if (!claim.is_formula) break;
    }
  }
  for (Cell& cell : calibration_cells(cores)) cells.push_back(std::move(cell));
  return cells;
}

Cell cell_of(const Claim& claim, int cores, std::int64_t scale) { return complete(claim.cells.front(), cores, scale); }

ClaimPrediction predict(const Claim& claim, int cores, std::int64_t scale) {
  const Claimed claimed = claim.claimed(cells_of(claim, cores, scale));
  ClaimPrediction prediction;
  prediction.formula = claimed.formula;
  prediction.claimed_ns = claimed.claimed_ns;
  prediction.model_ns = claimed.model_ns;
  prediction.violated = claimed.violated;
  prediction.expected = claimed.model_ns == claimed.claimed_ns ? model::Verdict::holds : model::Verdict::refuted;

  std::vector<Rival> rivals = claimed.rivals;
  rivals.push_back({"the exact model", claimed.model_ns});
  for (const Rival& rival : rivals) {
    const std::int64_t distance = std::abs(rival.value_ns - claimed.claimed_ns);
    if (distance == 0 || (prediction.gap_ns >= 0 && distance >= prediction.gap_ns)) continue;
    prediction.gap_ns = distance;
    prediction.rival = rival.name;
  }
  if (prediction.gap_ns < 0) prediction.gap_ns = 0;  // all rivals say the same here: nothing tells them apart
  prediction.tolerance_ns = model::tolerance(claimed.claimed_ns, prediction.gap_ns);
  return prediction;
}

bool ClaimResult::contradicts() const { return verdict != model::Verdict::inconclusive && verdict != prediction.expected; }

std::string ClaimResult::id() const { return scale == 1 ? std::string(claim->id) : fmt::format("{}@{}x", claim->id, scale); }

ClaimResult decide(const Claim& claim, int cores, std::vector<ScaleValues> scales, std::int64_t overhead_ns) {
  std::sort(scales.begin(), scales.end(), [](const ScaleValues& a, const ScaleValues& b) { return a.scale < b.scale; });
  ClaimResult result;
  result.claim = &claim;
  result.cores = cores;
  result.scale = scales.empty() ? 1 : scales.front().scale;
  result.prediction = predict(claim, cores, result.scale);
  result.overhead_ns = overhead_ns;
  result.scales = std::move(scales);
  const ClaimPrediction& prediction = result.prediction;

  std::vector<std::int64_t> deviations;
  std::vector<std::pair<double, double>> points;
  int with_values = 0;
  int gated = 0;
  for (const ScaleValues& at : result.scales) {
    result.failed += at.failed;
    gated += at.gated;
    with_values += !at.values_ns.empty();
    const ClaimPrediction expected = predict(claim, cores, at.scale);
    for (const std::int64_t value : at.values_ns) {
      if (expected.tolerance_ns > 0) {
        deviations.push_back(deviation(value - overhead_ns, expected.claimed_ns, expected.tolerance_ns));
      }
      points.emplace_back(static_cast<double>(at.scale) / static_cast<double>(result.scale), static_cast<double>(value));
    }
  }
  result.repetitions = static_cast<int>(points.size());
  if (points.empty()) {
    result.explanation = gated > 0           ? std::string(kGated) + " at any of its repetitions"
                         : result.failed > 0 ? fmt::format("none of {} repetitions ended well", result.failed)
                                             : "not measured";
    return result;
  }
  const std::vector<std::int64_t>& least = result.scales.front().values_ns;
  if (!least.empty()) {
    result.measured_ns = model::median(least);
    result.interval = model::median_interval(least);
  }
  if (with_values > 1) result.regression = model::theil_sen_regression(points);

  if (prediction.gap_ns < kLeastGap) {
    result.too_blunt = true;
    result.explanation = prediction.gap_ns == 0 ? "nothing here tells the claim from its rivals"
                                                : fmt::format("too blunt: {} says {} from it, less than {}", prediction.rival,
                                                              human_ns(prediction.gap_ns), human_ns(kLeastGap));
    return result;
  }
  const int n = static_cast<int>(deviations.size());
  const int more = with_values > 1 ? kMoreAtThreeScales : kMoreAtOneScale;
  const int allowed = model::two_looks(std::max(0, n - more), n).second_allowed;
  const model::Verdict by_sign = model::equivalent(deviations, 0, kEdge, allowed);
  const bool slope_agrees = !result.regression || by_slope(*result.regression, prediction) == by_sign;
  if (slope_agrees) result.verdict = by_sign;

  if (result.verdict == model::Verdict::refuted) {
    result.explanation = prediction.violated.empty()
                             ? fmt::format("no condition of the formula is violated, yet the median is {} where the model has {}",
                                           human_ns(model::median(least.empty() ? std::vector<std::int64_t>{0} : least)),
                                           human_ns(prediction.model_ns))
                             : prediction.violated;
  } else if (result.verdict == model::Verdict::inconclusive) {
    const auto above = std::count_if(deviations.begin(), deviations.end(), [](std::int64_t d) { return d > kEdge; });
    const auto below = std::count_if(deviations.begin(), deviations.end(), [](std::int64_t d) { return d < -kEdge; });
    if (allowed < 0) {
      result.explanation = fmt::format("{} repetitions decide nothing, at least 5 are needed", n);
    } else if (!slope_agrees && by_sign != model::Verdict::inconclusive) {
      result.explanation = fmt::format("the values say {}, but their slope is {} [{}, {}]", to_string(by_sign),
                                       human_ns(result.regression->line.slope), human_ns(result.regression->slope_low),
                                       human_ns(result.regression->slope_high));
    } else {
      const model::Interval spread = model::median_interval(deviations);
      result.too_blunt = spread.upper - spread.lower > 2 * kEdge;
      result.explanation = fmt::format("{} of {} repetitions lie outside +-{}, {} may on each side{}", above + below, n,
                                       human_ns(prediction.tolerance_ns), allowed,
                                       result.too_blunt ? "; too blunt: the interval is wider than the tolerance" : "");
    }
    if (gated > 0) result.explanation += fmt::format("; {} at {} repetitions", kGated, gated);
  }
  return result;
}

ClaimResult decide(const Claim& claim, std::vector<std::int64_t> values_ns, int failed, std::int64_t scale) {
  return decide(claim, 2, {{.scale = scale, .values_ns = std::move(values_ns), .failed = failed}});
}

std::string_view to_string(model::Verdict verdict) {
  switch (verdict) {
    case model::Verdict::holds:
      return "holds";
    case model::Verdict::refuted:
      return "refuted";
    case model::Verdict::inconclusive:
      break;
  }
  return "inconclusive";
}

}  // namespace harness
