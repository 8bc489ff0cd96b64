#include "harness/validate/rules/trial.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "harness/base/errors.h"
#include "harness/core/sojourns.h"
#include "harness/model/arrivals.h"
#include "harness/model/simulate.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/model_case.h"
#include "harness/plan/scenario.h"

namespace harness {
namespace {

constexpr double kNsOfASecond = 1e9;

// The rate that was asked for; of times that are given, the one that they come to.
double rate_of(const Cell& cell) {
  if (!arrives(cell)) return 0;
  if (cell.arrivals.ends_with("/s")) return parse_rate_per_s(cell.arrivals.substr(cell.arrivals.find(':') + 1));
  const std::int64_t last = std::max<std::int64_t>(cell.arrivals_ns.back(), 1);
  return static_cast<double>(cell.tasks) * kNsOfASecond / static_cast<double>(last);
}

RuleSetting setting_of(const Cell& cell, const model::Case& work, int cpus) {
  double wait = 0;
  double compute = 0;
  for (const model::Demand& task : work.tasks) {
    wait += static_cast<double>(task.wait_ns);
    compute += static_cast<double>(task.compute_ns);
  }
  if (compute <= 0) {
    throw ConfigError(
        fmt::format("a rule of thumb asks how long tasks of workload '{}' wait for what they compute, and nobody knows that they "
                    "compute at all; allowed: mixed:R, spin and other work that computes",
                    cell.workload));
  }
  return {.cores = cell.cores,
          .cpus = cpus,
          .wait_per_compute = wait / compute,
          .service_s = (wait + compute) / static_cast<double>(cell.tasks) / kNsOfASecond,
          .rate_per_s = rate_of(cell)};
}

Cell with_workers(const Cell& base, int workers) {
  Factors factors = base;
  factors.workers = workers;
  factors.workers_spec = std::to_string(workers);
  return CellBuilder(canonical(std::move(factors)))
      .recorded_durations(base.task_durations_ns, base.callback_durations_ns)
      .recorded_arrivals(base.arrivals_ns)
      .build();
}

// What is to be small: the makespan, or the p99 of the clients that count.
std::int64_t predicted_value(const model::Case& work) {
  const model::Prediction prediction = model::simulate(work);
  if (work.arrivals_ns.empty()) return prediction.makespan_ns;
  std::vector<std::int64_t> sojourns = model::sojourns_ns(work, prediction);
  sojourns.erase(sojourns.begin(), sojourns.begin() + static_cast<std::ptrdiff_t>(first_counted(sojourns.size())));
  return model::summarise_sojourns(std::move(sojourns)).p99_ns;
}

// Around cores (1 + W/C), from half of it to three times.
std::vector<int> sizes_of_model(const RuleCase& one, model::Case work) {
  constexpr double kTried[] = {0.5, 0.75, 1, 1.25, 1.5, 2, 3};
  constexpr double kAsGood = 1.02;
  std::map<int, std::int64_t> predicted;
  for (const double factor : kTried) {
    const double knee = one.setting.cores * (1 + one.setting.wait_per_compute);
    work.workers = std::max(1, static_cast<int>(std::lround(factor * knee)));
    if (one.keeps_up(work.workers)) predicted.try_emplace(work.workers, predicted_value(work));
  }
  if (predicted.empty()) return {};
  const auto by_value = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto best = static_cast<double>(std::min_element(predicted.begin(), predicted.end(), by_value)->second);
  for (const auto& [workers, value] : predicted) {
    if (static_cast<double>(value) <= kAsGood * best) return {workers, (3 * workers + 1) / 2};
  }
  return {};
}

// Everything but the workers.
std::string work_of(const Cell& cell) {
  return fmt::format("{}|{}|{}|{}|{}", scenario_key(cell), cell.backend, cell.strategy, cell.parsers, cell.start_method);
}

// By cell_id and repetition.
using ValuesOf = std::map<std::string, std::map<std::int64_t, std::int64_t>, std::less<>>;

ValuesOf values_of_cells(std::span<const Sample> samples) {
  ValuesOf values;
  for (const Sample& sample : samples) {
    if (sample.is_warmup != 0) continue;
    std::map<std::int64_t, std::int64_t>& own = values[sample.cell_id];
    own.erase(sample.rep);
    if (sample.status == "ok")
      own[sample.rep] = std::max<std::int64_t>(1, arrives(sample) ? sample.sojourn_p99_ns : sample.makespan_ns);
  }
  return values;
}

std::vector<MeasuredSize> measured_sizes(const RuleCase& one, const ValuesOf& values) {
  std::vector<MeasuredSize> sizes;
  for (const TriedSize& tried : one.sizes) {
    MeasuredSize& size = sizes.emplace_back(MeasuredSize{tried.workers, {}});
    const auto found = values.find(tried.cell_id);
    if (found == values.end()) continue;
    for (const auto& [rep, value] : found->second) size.values_ns.push_back(value);
  }
  return sizes;
}

RuleOutcome outcome_of(const Rule& rule, const RuleCase& one, const std::vector<MeasuredSize>& sizes) {
  const std::optional<std::int64_t> bound = one.is_batch() ? std::nullopt : std::optional(one.bound_ns);
  RuleOutcome outcome{.rule_case = &one, .workers = workers_of(rule, one.setting), .best_workers = 0, .regret = {}};
  const std::optional<std::size_t> best = best_size(sizes, bound);
  if (!best) return outcome;
  outcome.best_workers = sizes[*best].workers;
  if (outcome.workers == 0) return outcome;
  if (!one.keeps_up(outcome.workers)) {
    outcome.regret.kind = RegretKind::missed;
    return outcome;
  }
  for (const MeasuredSize& size : sizes) {
    if (size.workers == outcome.workers && !size.values_ns.empty()) outcome.regret = regret_of(size, sizes[*best], bound);
  }
  return outcome;
}

// Durations are whole nanoseconds, so that W/C is not quite what was asked for.
double shown_ratio(double wait_per_compute) { return std::round(wait_per_compute * 1000) / 1000; }

std::vector<RuleGroup> groups_of(const std::vector<RuleOutcome>& outcomes) {
  std::map<std::pair<bool, double>, std::vector<SizeRegret>> by_group;  // batches, for which the first is false, come first
  for (const RuleOutcome& outcome : outcomes) {
    const RuleCase& one = *outcome.rule_case;
    by_group[{!one.is_batch(), shown_ratio(one.setting.wait_per_compute)}].push_back(outcome.regret);
  }
  std::vector<RuleGroup> groups;
  for (const auto& [key, regrets] : by_group) {
    RuleGroup group{.is_batch = !key.first, .wait_per_compute = key.second, .over = regret_over(regrets)};
    group.verdict = verdict_of(group.over);
    groups.push_back(group);
  }
  return groups;
}

}  // namespace

bool RuleCase::keeps_up(int workers) const { return workers > setting.rate_per_s * setting.service_s * (1 + 1e-6); }

RuleTrial rule_trial(const Suite& suite, int cores, int cpus, int runs) {
  Plan written = make_plan(suite, {.cores = cores, .runs = runs});
  std::vector<std::pair<std::string, std::vector<const PlannedCell*>>> works;
  for (const PlannedCell& planned : written.cells) {
    const std::string key = work_of(planned.cell);
    const auto known = std::find_if(works.begin(), works.end(), [&](const auto& work) { return work.first == key; });
    (known == works.end() ? works.emplace_back(key, std::vector<const PlannedCell*>{}) : *known).second.push_back(&planned);
  }

  RuleTrial trial;
  trial.plan = written;
  trial.plan.cells.clear();
  for (const auto& [key, planned] : works) {
    const PlannedCell& base = *planned.front();
    const model::Case work = requested_case(base.cell);
    RuleCase one{.setting = setting_of(base.cell, work, cpus),
                 .workload = base.cell.workload,
                 .distribution = base.cell.distribution,
                 .bound_ns = 0,
                 .sizes = {}};
    if (!one.is_batch()) one.bound_ns = std::llround(kBoundInServices * one.setting.service_s * kNsOfASecond);
    std::map<int, std::optional<Cell>> sizes;  // where the suite has it, the suite's
    for (const PlannedCell* const own : planned) sizes[own->cell.workers] = own->cell;
    for (const Rule& rule : rules_of_thumb()) {
      if (const int workers = workers_of(rule, one.setting); workers > 0) sizes.try_emplace(workers);
    }
    for (const int workers : sizes_of_model(one, work)) sizes.try_emplace(workers);
    for (auto& [workers, cell] : sizes) {
      if (!one.keeps_up(workers)) continue;
      PlannedCell size = base;
      size.cell = cell ? std::move(*cell) : with_workers(base.cell, workers);
      one.sizes.push_back({workers, size.cell.cell_id});
      trial.plan.cells.push_back(std::move(size));
    }
    trial.cases.push_back(std::move(one));
  }
  return trial;
}

std::vector<RuleResult> judge_rules(std::span<const RuleCase> cases, std::span<const Sample> samples,
                                    std::span<const Rule> rules) {
  const ValuesOf values = values_of_cells(samples);
  std::vector<RuleResult> results;
  for (const Rule& rule : rules) results.push_back({.rule = &rule, .cases = {}, .groups = {}, .over = {}});
  for (const RuleCase& one : cases) {
    const std::vector<MeasuredSize> sizes = measured_sizes(one, values);
    for (RuleResult& result : results) result.cases.push_back(outcome_of(*result.rule, one, sizes));
  }
  for (RuleResult& result : results) {
    std::vector<SizeRegret> regrets;
    for (const RuleOutcome& outcome : result.cases) regrets.push_back(outcome.regret);
    result.over = regret_over(regrets);
    result.groups = groups_of(result.cases);
    std::vector<RuleVerdict> verdicts;
    for (const RuleGroup& group : result.groups) verdicts.push_back(group.verdict);
    result.verdict = worst_of(verdicts);
  }
  return results;
}

}  // namespace harness
