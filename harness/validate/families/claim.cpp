#include "harness/validate/families/claim.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"

namespace harness {
namespace {

// What anyone might expect of the case instead: the exact makespan with other callback strategies, the tutorial's
// formulas, and callbacks that cost nothing.
std::vector<Rival> rivals_of(const model::Case& c) {
  std::vector<Rival> rivals;
  std::int64_t longest = 0;
  std::int64_t sum = 0;
  for (const model::Demand& task : c.tasks) {
    longest = std::max(longest, task.service_ns());
    sum += task.service_ns();
  }
  rivals.push_back({"longest", longest});
  if (!model::has_callbacks(c.strategy)) {
    rivals.push_back({"one after another", sum});
    return rivals;
  }
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
  for (const auto formula : {model::tutorial_thread, model::tutorial_process_equal}) {
    const model::ClosedForm form = formula(c);
    rivals.push_back({form.formula, form.value_ns});
  }
  return rivals;
}

}  // namespace

Claim formula_claim(std::string_view id, std::string_view english, std::string_view chinese, std::string_view domain,
                    std::function<model::ClosedForm(const model::Case&)> formula, ClaimCell cell) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = chinese;
  claim.domain = domain;
  claim.cells = {std::move(cell)};
  claim.claimed = [formula = std::move(formula)](std::span<const Cell> cells) {
    const model::Case c = case_of(cells.front());
    const model::ClosedForm form = formula(c);
    return Claimed{form.formula, form.value_ns, model::simulate(c).makespan_ns, form.violated, rivals_of(c)};
  };
  return claim;
}

std::vector<std::int64_t> times(std::size_t count, std::int64_t ms) { return std::vector<std::int64_t>(count, ms); }

model::ClosedForm exact(const model::Case& c) { return model::closed_form(c); }

model::Case case_of(const Cell& cell) {
  if (cell.workload == "sleep") return waiting_case(cell);
  // One unit of any computation per ns: demands are then what was asked for.
  return modelled_case(cell, {1, 1, 1, 1, 1}).model_case;
}

Claim loses_nothing(std::string_view id, std::string_view english, std::string_view chinese, std::string_view domain,
                    std::vector<ClaimCell> cells) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = chinese;
  claim.domain = domain;
  claim.cells = std::move(cells);
  claim.claimed = [](std::span<const Cell> compared) {
    std::vector<std::int64_t> makespans;
    for (const Cell& cell : compared) makespans.push_back(model::simulate(case_of(cell)).makespan_ns);
    const std::int64_t best = *std::min_element(makespans.begin(), makespans.end());
    Claimed claimed{"lost against the best", 0, makespans.front() - best, "", {}};
    for (std::size_t i = 1; i < makespans.size(); ++i) {
      claimed.rivals.push_back({fmt::format("{} x{}", compared[i].backend, compared[i].workers), makespans[i] - best});
    }
    if (makespans.front() != best) claimed.violated = fmt::format("loses {}", model::duration_text(claimed.model_ns));
    return claimed;
  };
  claim.measure = [](std::span<const Observation> round) {
    std::int64_t best = round.front().measures->makespan_ns;
    for (const Observation& other : round) best = std::min(best, other.measures->makespan_ns);
    return round.front().measures->makespan_ns - best;
  };
  claim.facts = makespans_text;
  claim.is_formula = false;
  return claim;
}

std::string makespans_text(std::span<const Observation> round) {
  std::string text;
  for (const Observation& each : round) {
    text += fmt::format("{}{} x{}: {:.0f} ms", text.empty() ? "" : ", ", each.factors->backend, each.factors->workers,
                        static_cast<double>(each.measures->makespan_ns) / 1e6);
  }
  return text;
}

}  // namespace harness
