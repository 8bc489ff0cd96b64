#include "harness/analysis/comparison.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/base/errors.h"

namespace harness {
namespace {

// What makes two cells the same. A cell whose durations are not known is the same as one of its own id only.
std::string identity_of(const CellSummary& summary, bool across_machines) {
  if (!across_machines || !summary.cell) return summary.factors.cell_id;
  Factors factors = *summary.cell;
  factors.cores = 0;
  return cell_id(factors, summary.cell->task_durations_ns, summary.cell->callback_durations_ns);
}

bool comparable(const CellSummary& cell) {
  return !cell.makespans_ns.empty() &&
         std::all_of(cell.makespans_ns.begin(), cell.makespans_ns.end(), [](std::int64_t ns) { return ns > 0; });
}

std::string why_not(const CellSummary& cell, const char* side) {
  if (comparable(cell)) return {};
  return fmt::format("{}: {}", side, cell.failure.empty() ? "no repetition that took any time" : cell.failure);
}

void require_same_machine(const Analysis& a, const Analysis& b) {
  const std::string& machine_a = a.rows.back().kind->machine_id;
  const std::string& machine_b = b.rows.back().kind->machine_id;
  if (machine_a == machine_b) return;
  throw ConfigError(
      fmt::format("the results are of different machines ({} and {}), whose times say nothing about the program; "
                  "compare them all the "
                  "same with --across-machines",
                  machine_a, machine_b));
}

}  // namespace

std::size_t Comparison::count(model::Change change) const {
  return static_cast<std::size_t>(
      std::count_if(cells.begin(), cells.end(), [&](const ComparedCell& cell) { return cell.change == change; }));
}

Comparison compare(const Analysis& a, const Analysis& b, const CompareOptions& options) {
  if (!options.across_machines) require_same_machine(a, b);
  std::map<std::string, const CellSummary*> in_a;  // of cells that differ in cores alone, the last
  for (const CellSummary& cell : a.cells) in_a[identity_of(cell, options.across_machines)] = &cell;

  Comparison comparison;
  std::set<std::string> shared;
  std::map<std::string, const CellSummary*> in_b;
  for (const CellSummary& cell : b.cells) in_b[identity_of(cell, options.across_machines)] = &cell;
  for (const CellSummary& cell : b.cells) {
    const std::string identity = identity_of(cell, options.across_machines);
    if (in_b.at(identity) != &cell) continue;
    const auto found = in_a.find(identity);
    if (found == in_a.end()) {
      comparison.only_in_b.push_back(&cell);
      continue;
    }
    shared.insert(identity);
    const CellSummary& before = *found->second;
    if (!comparable(before) || !comparable(cell)) {
      const std::string why_a = why_not(before, "A");
      const std::string why_b = why_not(cell, "B");
      comparison.unmeasured.push_back(
          {&before, &cell, why_a.empty(), why_a + (why_a.empty() || why_b.empty() ? "" : "; ") + why_b});
      continue;
    }
    ComparedCell compared;
    compared.a = &before;
    compared.b = &cell;
    compared.scenario = b.scenarios[cell.scenario].title;
    compared.ratio = model::median_ratio(before.makespans_ns, cell.makespans_ns);
    compared.p = model::mann_whitney_p(before.makespans_ns, cell.makespans_ns);
    comparison.cells.push_back(std::move(compared));
  }
  for (const CellSummary& cell : a.cells) {
    const std::string identity = identity_of(cell, options.across_machines);
    if (!shared.contains(identity) && in_a.at(identity) == &cell) comparison.only_in_a.push_back(&cell);
  }
  if (shared.empty()) {
    throw ConfigError(
        fmt::format("there is nothing to compare: of {} and {} cells none has the same factors", a.cells.size(), b.cells.size()));
  }

  std::vector<double> p_values;
  for (const ComparedCell& cell : comparison.cells) p_values.push_back(cell.p);
  const std::vector<double> adjusted = model::holm(p_values);
  for (std::size_t i = 0; i < comparison.cells.size(); ++i) {
    ComparedCell& cell = comparison.cells[i];
    cell.adjusted_p = adjusted[i];
    cell.change = model::judge(cell.ratio, cell.adjusted_p, options.minimum_effect, kSignificance);
  }
  std::stable_sort(comparison.cells.begin(), comparison.cells.end(), [](const ComparedCell& x, const ComparedCell& y) {
    return std::abs(std::log(x.ratio.estimate)) > std::abs(std::log(y.ratio.estimate));
  });
  return comparison;
}

}  // namespace harness
