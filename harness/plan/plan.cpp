#include "harness/plan/plan.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/plan_table.h"

namespace harness {
namespace {

// The factors by which a skip is described, and what they are called there.
constexpr std::pair<std::string_view, std::string_view> kSkipAxes[] = {{"backend", "backend"},
                                                                       {"strategy", "strategy"},
                                                                       {"workload", "workload"},
                                                                       {"workers_spec", "workers"},
                                                                       {"parsers", "parsers"},
                                                                       {"tasks", "tasks"},
                                                                       {"distribution", "distribution"},
                                                                       {"task_ns", "task"},
                                                                       {"callback_ns", "callback"},
                                                                       {"payload_bytes", "payload"},
                                                                       {"chunksize", "chunksize"},
                                                                       {"in_flight", "in_flight"},
                                                                       {"arrivals_spec", "arrivals"},
                                                                       {"queue", "queue"},
                                                                       {"when_full", "when_full"},
                                                                       {"deadline_ns", "deadline"},
                                                                       {"callback_workload", "callback_workload"},
                                                                       {"inputs", "inputs"}};

void add_once(std::vector<std::string>& values, std::string value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(std::move(value));
}

std::vector<std::string> values_of(const std::vector<const Factors*>& all, std::string_view axis) {
  std::vector<std::string> values;
  for (const Factors* const factors : all) {
    if (axis.ends_with("_ns")) {
      const auto ns = axis == "task_ns" ? factors->task_ns : axis == "callback_ns" ? factors->callback_ns : factors->deadline_ns;
      add_once(values, format_duration(std::chrono::nanoseconds(ns)));
    } else {
      add_once(values, factor_text(*factors, axis));
    }
  }
  return values;
}

// One line per reason: the cells it took out, described by backend, strategy and the axes in which they differ from the
// rest of their table.
class SkipCollector {
 public:
  void see(const Candidate& candidate) { all_.push_back(&candidate.written); }
  void skip(const Candidate& candidate, const std::string& reason, bool by_backend) {
    Group& group = groups_[{by_backend ? candidate.written.backend : "", reason}];
    if (group.cells.empty()) group.order = groups_.size();
    group.cells.push_back(&candidate.written);
  }

  std::vector<Skip> skips() const {
    std::vector<std::pair<std::size_t, Skip>> ordered;
    for (const auto& [key, group] : groups_) {
      std::string what;
      for (const auto& [axis, shown] : kSkipAxes) {
        const std::vector<std::string> values = values_of(group.cells, axis);
        const bool always = axis == "backend" || axis == "strategy";
        if (!always && values.size() == values_of(all_, axis).size()) continue;
        std::string listed;
        for (const std::string& value : values) listed += (listed.empty() ? "" : ",") + value;
        if (!what.empty()) what += ' ';
        what += fmt::format("{}={}", shown, listed);
      }
      ordered.emplace_back(group.order, Skip{what, key.second});
    }
    std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<Skip> skips;
    for (auto& [order, skip] : ordered) skips.push_back(std::move(skip));
    return skips;
  }

 private:
  struct Group {
    std::vector<const Factors*> cells;
    std::size_t order = 0;
  };
  std::vector<const Factors*> all_;
  std::map<std::pair<std::string, std::string>, Group> groups_;
};

void require_bounded(const Cell& cell, const std::string& place) {
  std::int64_t sum = 0;
  for (const auto* const durations : {&cell.task_durations_ns, &cell.callback_durations_ns}) {
    for (const std::int64_t ns : *durations) {
      if (__builtin_add_overflow(sum, ns, &sum)) {
        throw ConfigError(fmt::format("{}: the tasks and callbacks of {} add up to more than 2^63-1 ns", place, describe(cell)));
      }
    }
  }
}

}  // namespace

std::string describe(const Factors& factors) {
  std::string text = fmt::format("backend={} workers={}", factors.backend, factors.workers);
  if (factors.workers_spec != fmt::format("{}", factors.workers)) text += fmt::format(" ({})", factors.workers_spec);
  text += fmt::format(" workload={} strategy={}", factors.workload, factors.strategy);
  if (factors.parsers != 0) text += fmt::format(" parsers={}", factors.parsers);
  if (factors.chunksize != 1) text += fmt::format(" chunksize={}", factors.chunksize);
  if (factors.in_flight != 0) text += fmt::format(" in_flight={}", factors.in_flight);
  if (!factors.callback_workload.empty()) text += fmt::format(" callback_workload={}", factors.callback_workload);
  text += fmt::format(" tasks={}", factors.tasks);
  const bool is_own = !factors.inputs.empty();
  if (is_own) text += fmt::format(" inputs={}", factors.inputs);
  if (factors.distribution != "equal") text += fmt::format(" distribution={}", factors.distribution);
  if (!is_own) text += fmt::format(" task={}", format_duration(std::chrono::nanoseconds(factors.task_ns)));
  if (has_callbacks(factors.strategy) && factors.callback_workload.empty()) {
    text += fmt::format(" callback={}", format_duration(std::chrono::nanoseconds(factors.callback_ns)));
  }
  if (factors.payload_bytes != 0) text += fmt::format(" payload={}", factors.payload_bytes);
  if (arrives(factors)) {
    text += fmt::format(" arrivals={}", factors.arrivals);
    if (factors.arrivals_spec != factors.arrivals) text += fmt::format(" ({})", factors.arrivals_spec);
  }
  if (factors.queue != 0) text += fmt::format(" queue={} when_full={}", factors.queue, factors.when_full);
  if (factors.deadline_ns != 0)
    text += fmt::format(" deadline={}", format_duration(std::chrono::nanoseconds(factors.deadline_ns)));
  return text;
}

std::vector<const PlannedCell*> own_cells(const Plan& plan) {
  std::vector<const PlannedCell*> own;
  for (const PlannedCell& planned : plan.cells) {
    if (plan.is_own(planned)) own.push_back(&planned);
  }
  return own;
}

Plan make_plan(const Suite& suite, const PlanOptions& options) {
  Plan plan;
  plan.suite_name = suite.name;
  plan.order = options.order.value_or(suite.order);
  plan.seed = options.seed.value_or(suite.seed);

  std::unordered_map<std::string, std::size_t> by_id;
  std::vector<Factors> kept;  // what was written for plan.cells
  for (const Table& table : suite.tables) {
    const std::vector<Candidate> found = candidates(suite, table, options.cores, plan.seed);
    SkipCollector skipped;
    for (const Candidate& candidate : found) skipped.see(candidate);
    for (const Candidate& candidate : found) {
      if (!candidate.skip.empty()) {
        skipped.skip(candidate, candidate.skip, true);
        continue;
      }
      const Repetitions& own = table.repetitions;
      PlannedCell planned{candidate.cell, options.runs.value_or(own.runs.value_or(suite.runs)),
                          options.warmup.value_or(own.warmup.value_or(suite.warmup)),
                          options.timeout.value_or(own.timeout.value_or(suite.timeout))};
      require_bounded(planned.cell, fmt::format("{}:{}", suite.source, table.line));
      const auto [known, inserted] = by_id.try_emplace(planned.cell.cell_id, plan.cells.size());
      if (inserted) {
        plan.cells.push_back(std::move(planned));
        kept.push_back(candidate.written);
        continue;
      }
      PlannedCell& present = plan.cells[known->second];
      present.runs = std::max(present.runs, planned.runs);
      present.warmup = std::max(present.warmup, planned.warmup);
      present.timeout = std::max(present.timeout, planned.timeout);
      const std::string same = why_same(candidate.written, kept[known->second]);
      if (!same.empty()) skipped.skip(candidate, "the same cell as another: " + same, false);
    }
    for (Skip& skip : skipped.skips()) plan.skips.push_back(std::move(skip));
  }
  if (plan.cells.empty()) {
    throw ConfigError(
        fmt::format("{}: not one cell of the suite has a meaning{}", suite.source,
                    plan.skips.empty() ? "" : fmt::format(": {}: {}", plan.skips.front().what, plan.skips.front().reason)));
  }
  apply_filters(plan.cells, options.filters, options.cores);
  return plan;
}

}  // namespace harness
