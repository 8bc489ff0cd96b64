#include "harness/report/sentences.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/report/report.h"
#include "workloads/work.h"

namespace harness {
namespace {

constexpr std::string_view kWaits = "work that waits";
constexpr std::string_view kDoesBoth = "work that waits and computes";
constexpr std::string_view kComputes = "work that computes";
constexpr std::string_view kComputesLocked = "work that computes under one lock per process, as Python's does";
constexpr std::string_view kInOrder[] = {kWaits, kDoesBoth, kComputes, kComputesLocked};

// The kind of work, in words; of a workload that nobody can ask, its name.
std::string kind_of(const std::string& name) {
  const workloads::Workload* const workload = workloads::find_workload(name);
  if (workload == nullptr || workload->needs().subject) return name;
  try {
    const workloads::Calibration nominal{1, 1, 1, 1, 1, 1};
    const workloads::Work work = workloads::make_work(*workload, {.duration = std::chrono::milliseconds(10)}, nominal);
    const workloads::Demand demand = workload->demand(work, nominal);
    if (demand.compute_ns == 0) return demand.wait_ns > 0 ? std::string(kWaits) : name;
    if (demand.wait_ns > 0) return std::string(kDoesBoth);
    return std::string(demand.process_wide_lock ? kComputesLocked : kComputes);
  } catch (const std::exception&) {
    return name;  // it cannot have such a duration
  }
}

// A choice that wins in a scenario. Of work without callbacks a number of workers, of callbacks who runs them; either with its pool.
struct Choice {
  int workers = 0;
  int in_flight = 0;
  std::string way;
  std::string backend;

  auto operator<=>(const Choice&) const = default;
};

// Scenarios of one kind: what is said of all of them at once.
struct Kind {
  std::string work;  // "work that waits"
  bool callbacks = false;
  std::vector<std::string> names;  // of its workloads, each once
  std::vector<const Scenario*> scenarios;
};

std::string way_of(const Factors& f, bool callbacks) {
  if (callbacks) return way_of_callbacks(f);
  if (f.workers == 1) return "one worker";
  std::string text = f.workers_spec == "cores"                     ? "as many workers as cores"
                     : f.workers_spec == std::to_string(f.workers) ? fmt::format("{} workers", f.workers)
                                                                   : fmt::format("{} workers", f.workers_spec);
  if (f.in_flight > 0) text += fmt::format(" with {} tasks in flight", f.in_flight);
  return text;
}

Choice choice_of(const Factors& f, bool callbacks) {
  if (callbacks) return {0, 0, way_of(f, callbacks), f.backend};
  return {f.workers, f.in_flight, way_of(f, callbacks), f.backend};
}

bool wins(const CellSummary& cell) { return cell.best || (cell.tie && has_enough(cell)); }

std::set<Choice> winners(const Analysis& analysis, const Kind& kind) {
  std::set<Choice> common;
  for (const Scenario* const scenario : kind.scenarios) {
    std::set<Choice> own;
    for (const std::size_t index : scenario->cells) {
      const CellSummary& cell = analysis.cells[index];
      if (wins(cell)) own.insert(choice_of(cell.factors, kind.callbacks));
    }
    if (scenario == kind.scenarios.front()) {
      common = own;
    } else {
      std::erase_if(common, [&own](const Choice& choice) { return !own.contains(choice); });
    }
  }
  return common;
}

// "threads", "threads or processes", "asio, glib, qt or 3 more"
std::string either(std::vector<std::string> backends) {
  constexpr std::size_t kMost = 4;
  for (std::string& backend : backends) {
    if (backend == "thread") backend = "threads";
    if (backend == "process") backend = "processes";
  }
  std::ranges::stable_sort(backends, {}, [](const std::string& b) { return b == "threads" ? 0 : b == "processes" ? 1 : 2; });
  std::string last = backends.back();
  backends.pop_back();
  if (backends.size() >= kMost) {
    last = fmt::format("{} more", backends.size() + 2 - kMost);
    backends.resize(kMost - 1);
  }
  return backends.empty() ? last : join(backends) + " or " + last;
}

// What the worst choice costs: ", the worst choice takes 5.0x as long".
std::string worst_of(const Analysis& analysis, const Kind& kind) {
  double worst = 1;
  for (const Scenario* const scenario : kind.scenarios) {
    for (const std::size_t index : scenario->cells) {
      if (const auto& ratio = analysis.cells[index].ratio) worst = std::max(worst, ratio->estimate);
    }
  }
  return worst < 1 + kMinimumEffect ? "" : fmt::format("; the worst choice takes {:.{}f}x as long", worst, worst < 9.95 ? 1 : 0);
}

std::string said_of(const Kind& kind) {
  const std::string names = join(kind.names);
  if (kind.callbacks) return "For callbacks of " + names;
  return kind.names.size() == 1 && kind.names.front() == kind.work ? "For " + names
                                                                   : fmt::format("For {} ({})", kind.work, names);
}

// The fewest workers among what wins, and whether more do as well.
std::string fewest_workers(const std::set<Choice>& common) {
  const Choice& fewest = *common.begin();
  std::vector<std::string> backends;
  for (const Choice& choice : common) {
    if (choice.way == fewest.way) backends.push_back(choice.backend);
  }
  const bool more = common.rbegin()->workers > fewest.workers;
  return fmt::format("{}, {}{}", either(backends), fewest.way, more ? " (more gain nothing)" : "");
}

// "extra(2) or main on threads or processes; worker on threads"
std::string who_runs_callbacks(const std::set<Choice>& common) {
  std::map<std::string, std::vector<std::string>> pools_of;
  for (const Choice& choice : common) pools_of[choice.way].push_back(choice.backend);
  std::map<std::vector<std::string>, std::vector<std::string>> ways_on;
  for (const auto& [way, backends] : pools_of) ways_on[backends].push_back(way);
  std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> sorted(ways_on.begin(), ways_on.end());
  std::ranges::stable_sort(sorted, std::greater(), [](const auto& one) { return one.first.size(); });
  std::string text;
  for (const auto& [backends, ways] : sorted) {
    text += fmt::format("{}{} on {}", text.empty() ? "" : "; ", either(ways), either(backends));
  }
  return text;
}

// Empty where nothing wins in all of its scenarios.
std::string sentence(const Analysis& analysis, const Kind& kind) {
  const std::set<Choice> common = winners(analysis, kind);
  if (common.empty()) return {};
  return fmt::format("{}: {}{}.", said_of(kind), kind.callbacks ? who_runs_callbacks(common) : fewest_workers(common),
                     worst_of(analysis, kind));
}

bool has_several_sizes(const Analysis& analysis, const Scenario& scenario) {
  const int first = analysis.cells[scenario.cells.front()].factors.workers;
  return std::ranges::any_of(scenario.cells, [&](std::size_t i) { return analysis.cells[i].factors.workers != first; });
}

// Without scenarios of one cell. What was run with one number of workers says nothing of numbers: a kind of its own.
std::vector<Kind> kinds_of(const Analysis& analysis, std::vector<std::string>& too_few) {
  std::vector<Kind> kinds;
  for (const Scenario& scenario : analysis.scenarios) {
    if (!scenario.best || scenario.cells.size() < 2) continue;
    const Factors& f = analysis.cells[*scenario.best].factors;
    if (!has_enough(analysis.cells[*scenario.best])) {
      if (std::ranges::find(too_few, f.workload) == too_few.end()) too_few.push_back(f.workload);
      continue;
    }
    const bool callbacks = has_callbacks(f.strategy);
    const std::string work = callbacks || !has_several_sizes(analysis, scenario) ? f.workload : kind_of(f.workload);
    auto at = std::ranges::find_if(kinds, [&](const Kind& kind) { return kind.work == work && kind.callbacks == callbacks; });
    if (at == kinds.end()) at = kinds.insert(kinds.end(), {work, callbacks, {}, {}});
    if (std::ranges::find(at->names, f.workload) == at->names.end()) at->names.push_back(f.workload);
    at->scenarios.push_back(&scenario);
  }
  for (Kind& kind : kinds) std::ranges::sort(kind.names);
  std::ranges::stable_sort(kinds, {}, [](const Kind& kind) {
    return std::pair(kind.callbacks, std::ranges::find(kInOrder, kind.work) - std::begin(kInOrder));
  });
  return kinds;
}

// Of one kind; workload by workload where they have nothing in common.
void add_sentences(const Analysis& analysis, const Kind& kind, std::vector<std::string>& out) {
  if (const std::string all = sentence(analysis, kind); !all.empty()) {
    out.push_back(all);
    return;
  }
  for (const std::string& name : kind.names) {
    Kind one{kind.work, kind.callbacks, {name}, {}};
    for (const Scenario* const scenario : kind.scenarios) {
      if (analysis.cells[scenario->cells.front()].factors.workload == name) one.scenarios.push_back(scenario);
    }
    const std::string own = sentence(analysis, one);
    out.push_back(own.empty() ? fmt::format("{}: it depends on the tasks, the tables say how.", said_of(one)) : own);
  }
}

}  // namespace

bool has_enough(const CellSummary& cell) { return !cell.blocks.empty() || cell.makespans_ns.size() >= kEnoughRepetitions; }

std::vector<std::string> answers(const Analysis& analysis) {
  std::vector<std::string> out;
  std::vector<std::string> too_few;
  for (const Kind& kind : kinds_of(analysis, too_few)) add_sentences(analysis, kind, out);
  if (!too_few.empty()) {
    out.push_back(fmt::format("Fewer than {} repetitions (-r) tell nothing apart: nothing is called best, or as good, for {}.",
                              kEnoughRepetitions, join(too_few)));
  }
  return out;
}

}  // namespace harness
