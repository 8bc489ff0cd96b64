#include "harness/claims.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "harness/backends/backend.h"
#include "harness/model/simulate.h"
#include "harness/model_case.h"
#include "harness/plan.h"
#include "harness/quantity.h"

namespace harness {
namespace {

constexpr std::int64_t kMs = 1'000'000;

std::vector<std::int64_t> milliseconds(const std::vector<std::int64_t>& values, std::int64_t scale) {
  std::vector<std::int64_t> ns;
  for (const std::int64_t value : values) ns.push_back(value * kMs * scale);
  return ns;
}

struct Rival {
  std::string name;
  std::int64_t value_ns;
};

// What anyone might expect of the case instead: the exact makespan with other callback strategies, the tutorial's
// formulas, and callbacks that cost nothing.
std::vector<Rival> rivals_of(const model::Case& c) {
  std::vector<Rival> rivals;
  for (const model::Strategy strategy : {model::Strategy::worker, model::Strategy::main, model::Strategy::sync}) {
    model::Case other = c;
    other.strategy = strategy;
    rivals.push_back({"exact " + std::string(model::name(strategy)), model::simulate(other).makespan_ns});
  }
  if (c.strategy == model::Strategy::extra) {
    for (int parsers = 1; parsers <= static_cast<int>(c.tasks.size()); ++parsers) {
      model::Case other = c;
      other.parsers = parsers;
      rivals.push_back({fmt::format("exact extra({})", parsers), model::simulate(other).makespan_ns});
    }
  }
  std::int64_t longest = 0;
  for (const model::Demand& task : c.tasks) longest = std::max(longest, task.service_ns());
  rivals.push_back({"longest", longest});
  for (const auto formula : {model::tutorial_thread, model::tutorial_process_equal}) {
    const model::ClosedForm form = formula(c);
    rivals.push_back({form.formula, form.value_ns});
  }
  return rivals;
}

// The scale at which the sample's cell is the claim's, whatever its distribution is called; 0 if it is not. The cell's
// id, a hash of all durations, decides.
std::int64_t scale_of(const Claim& claim, const Sample& sample) {
  const ClaimCell& wanted = claim.cell;
  if (sample.backend != wanted.backend || sample.workers != wanted.workers || sample.strategy != wanted.strategy ||
      sample.parsers != wanted.parsers || sample.workload != "sleep" ||
      sample.tasks != static_cast<std::int64_t>(wanted.tasks_ms.size()) || sample.task_ns > std::int64_t{1} << 50) {
    return 0;
  }
  const std::int64_t longest = *std::max_element(wanted.tasks_ms.begin(), wanted.tasks_ms.end()) * kMs;
  for (const std::int64_t longest_now :
       {sample.task_ns, sample.task_ns * sample.tasks}) {  // the second: linear durations
    if (longest_now < longest || longest_now % longest != 0) continue;
    const std::int64_t scale = longest_now / longest;
    Cell cell = cell_of(claim, static_cast<int>(sample.cores), scale);
    cell.distribution = sample.distribution;
    cell.task_ns = sample.task_ns;
    cell.callback_ns = sample.callback_ns;
    cell.payload_bytes = sample.payload_bytes;
    cell.start_method = sample.start_method;
    cell.seed = sample.seed;
    if (cell_id(cell) == sample.cell_id) return scale;
  }
  return 0;
}

std::string milliseconds_text(std::int64_t ns) { return human_duration(std::chrono::nanoseconds(ns)); }

}  // namespace

Cell cell_of(const Claim& claim, int cores, std::int64_t scale) {
  Cell cell;
  cell.backend = claim.cell.backend;
  cell.workers = claim.cell.workers;
  cell.workers_spec = std::to_string(claim.cell.workers);
  cell.cores = cores;
  cell.workload = "sleep";
  cell.strategy = claim.cell.strategy;
  cell.parsers = claim.cell.parsers;
  cell.tasks = static_cast<int>(claim.cell.tasks_ms.size());
  cell.distribution = "explicit";
  cell.start_method = find_backend(cell.backend).start_method();
  cell.task_durations_ns = milliseconds(claim.cell.tasks_ms, scale);
  cell.callback_durations_ns = milliseconds(claim.cell.callbacks_ms, scale);
  cell.task_ns = *std::max_element(cell.task_durations_ns.begin(), cell.task_durations_ns.end());
  cell.callback_ns = *std::max_element(cell.callback_durations_ns.begin(), cell.callback_durations_ns.end());
  cell.seed = cell_seed(1, cell);
  cell.cell_id = cell_id(cell);
  return cell;
}

ClaimPrediction predict(const Claim& claim, std::int64_t scale) {
  const model::Case c = waiting_case(cell_of(claim, 1, scale));
  const model::ClosedForm form = claim.formula(c);
  ClaimPrediction prediction;
  prediction.formula = form.formula;
  prediction.claimed_ns = form.value_ns;
  prediction.model_ns = model::simulate(c).makespan_ns;
  prediction.violated = form.violated;
  prediction.expected = prediction.model_ns == form.value_ns ? model::Verdict::holds : model::Verdict::refuted;

  std::vector<Rival> rivals = rivals_of(c);
  rivals.push_back({"the exact model", prediction.model_ns});
  for (const Rival& rival : rivals) {
    const std::int64_t distance = std::abs(rival.value_ns - form.value_ns);
    if (distance == 0 || (prediction.gap_ns >= 0 && distance >= prediction.gap_ns)) continue;
    prediction.gap_ns = distance;
    prediction.rival = rival.name;
  }
  prediction.tolerance_ns = model::tolerance(form.value_ns, prediction.gap_ns);
  return prediction;
}

bool ClaimResult::contradicts() const {
  return verdict != model::Verdict::inconclusive && verdict != prediction.expected;
}

std::string ClaimResult::id() const {
  return scale == 1 ? std::string(claim->id) : fmt::format("{}@{}x", claim->id, scale);
}

ClaimResult decide(const Claim& claim, std::vector<std::int64_t> makespans_ns, int failed, std::int64_t scale) {
  ClaimResult result;
  result.claim = &claim;
  result.scale = scale;
  result.prediction = predict(claim, scale);
  result.failed = failed;
  result.makespans_ns = std::move(makespans_ns);
  const ClaimPrediction& prediction = result.prediction;
  if (result.makespans_ns.empty()) {
    result.explanation = failed > 0 ? fmt::format("none of {} repetitions ended well", failed) : "not measured";
    return result;
  }
  result.measured_ns = model::median(result.makespans_ns);
  result.interval = model::median_interval(result.makespans_ns);
  result.verdict = model::equivalent(result.makespans_ns, prediction.claimed_ns, prediction.tolerance_ns);

  const std::int64_t allowed = model::allowed_outside(static_cast<int>(result.makespans_ns.size()));
  if (result.verdict == model::Verdict::refuted) {
    result.explanation =
        prediction.violated.empty()
            ? fmt::format("no condition of the formula is violated, yet the median is {} where the model has {} too",
                          milliseconds_text(*result.measured_ns), milliseconds_text(prediction.model_ns))
            : prediction.violated;
  } else if (result.verdict == model::Verdict::inconclusive) {
    const auto outside = std::count_if(
        result.makespans_ns.begin(), result.makespans_ns.end(),
        [&](std::int64_t makespan) { return std::abs(makespan - prediction.claimed_ns) > prediction.tolerance_ns; });
    result.explanation =
        allowed < 0 ? fmt::format("{} repetitions decide nothing, at least 5 are needed", result.makespans_ns.size())
                    : fmt::format("{} of {} repetitions lie outside +-{}, {} may on each side", outside,
                                  result.makespans_ns.size(), milliseconds_text(prediction.tolerance_ns), allowed);
  }
  return result;
}

std::vector<ClaimResult> evaluate_claims(std::span<const Sample> samples) {
  std::vector<ClaimResult> results;
  for (const Claim& claim : claims()) {
    // By scale, then by (cell_id, rep): the last counts.
    std::map<std::int64_t, std::map<std::pair<std::string, std::int64_t>, const Sample*>> by_scale;
    for (const Sample& sample : samples) {
      if (sample.is_warmup != 0) continue;
      if (const std::int64_t scale = scale_of(claim, sample); scale > 0)
        by_scale[scale][{sample.cell_id, sample.rep}] = &sample;
    }
    for (const auto& [scale, repetitions] : by_scale) {
      std::vector<std::int64_t> makespans;
      int failed = 0;
      for (const auto& [key, sample] : repetitions) {
        if (sample->status == "ok") {
          makespans.push_back(sample->makespan_ns);
        } else {
          ++failed;
        }
      }
      results.push_back(decide(claim, std::move(makespans), failed, scale));
    }
  }
  return results;
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
