#include "harness/analysis/comparison.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/analysis/over_blocks.h"
#include "harness/base/errors.h"
#include "harness/base/text.h"

namespace harness {
namespace {

// What makes two cells the same. A cell whose durations are not known is the same as one of its own id only.
std::string identity_of(const CellSummary& summary, bool across_machines) {
  return across_machines ? identity_across_machines(summary.factors, summary.cell) : summary.factors.cell_id;
}

// One of each repetition that ended well.
std::vector<std::int64_t> compared_ns(const CellSummary& cell) {
  if (!arrives(cell.factors)) return cell.makespans_ns;
  std::vector<std::int64_t> percentiles;
  for (const Row* const row : cell.ok) percentiles.push_back(row->measures.sojourn_p99_ns);
  return percentiles;
}

bool comparable(const CellSummary& cell) {
  const std::vector<std::int64_t> values = compared_ns(cell);
  return !values.empty() && std::all_of(values.begin(), values.end(), [](std::int64_t ns) { return ns > 0; });
}

std::string why_not(const CellSummary& cell, const char* side) {
  if (comparable(cell)) return {};
  return fmt::format("{}: {}", side, cell.failure.empty() ? "no repetition that took any time" : cell.failure);
}

std::string machines_of(const Analysis& analysis) {
  if (analysis.blocks.size() == 1) return analysis.rows.back().kind->machine_id;
  std::set<std::string> machines;
  for (const Block& block : analysis.blocks) machines.insert(block.machine_id);
  return join({machines.begin(), machines.end()});
}

void require_same_machine(const Analysis& a, const Analysis& b) {
  const std::string machines_a = machines_of(a);
  const std::string machines_b = machines_of(b);
  if (machines_a == machines_b) return;
  throw ConfigError(
      fmt::format("the results are of different machines ({} and {}), whose times say nothing about the program; "
                  "compare them all the "
                  "same with --across-machines",
                  machines_a, machines_b));
}

// Makespans over the machines that measured both, where several measured each; else over the repetitions.
void compare_cells(const Analysis& analysis_a, const Analysis& analysis_b, ComparedCell& compared) {
  const CellSummary& a = *compared.a;
  const CellSummary& b = *compared.b;
  compared.by_latency = arrives(b.factors);
  compared.a_ns = compared_ns(a);
  compared.b_ns = compared_ns(b);
  compared.a_median_ns = compared.by_latency ? model::median(compared.a_ns) : *a.median_ns;
  compared.b_median_ns = compared.by_latency ? model::median(compared.b_ns) : *b.median_ns;
  const std::vector<double> logs = compared.by_latency ? std::vector<double>() : log_ratios(analysis_a, a, analysis_b, b);
  if (logs.size() > 1) {
    const BlockRatio over = block_ratio(logs);
    compared.ratio = over.ratio;
    compared.p = over.p;
    return;
  }
  compared.ratio = model::median_ratio(compared.a_ns, compared.b_ns);
  compared.p = model::mann_whitney_p(compared.a_ns, compared.b_ns);
}

// Why no cell of one is one of the other: what the two that are most alike differ in, and what helps.
std::string why_nothing_matches(const Analysis& a, const Analysis& b) {
  std::vector<std::string> fewest;
  std::string differences;
  for (const CellSummary& of_a : a.cells) {
    for (const CellSummary& of_b : b.cells) {
      std::vector<std::string> names;
      std::string text;
      for (const Factor& factor : all_factors()) {
        if (factor.in_cell_id == InCellId::never) continue;
        std::visit(
            [&](const auto member) {
              const auto& value_a = of_a.factors.*member;
              const auto& value_b = of_b.factors.*member;
              if (value_a == value_b) return;
              names.emplace_back(factor.name);
              text += fmt::format("{}{} ({} in A, {} in B)", text.empty() ? "" : ", ", factor.name, value_a, value_b);
            },
            factor.field);
      }
      if (names.empty()) {
        names.emplace_back("durations");
        text = "the durations of their tasks";
      }
      if (differences.empty() || names.size() < fewest.size()) {
        fewest = names;
        differences = text;
      }
    }
  }
  const auto only = [&](std::string_view name) { return fewest.size() == 1 && fewest.front() == name; };
  std::string_view advice = "measure one suite into both";
  if (only("cores")) advice = "--across-machines sets cores aside; the suite fleet has cells that need none";
  if (only("seed")) advice = "run both with the same --seed";
  if (std::ranges::find(fewest, "cores") != fewest.end() && fewest.size() > 1) {
    advice = "a suite whose tasks and workers are plain numbers (fleet is one), with --across-machines";
  }
  return fmt::format("the two most alike differ in {}; allowed: {}", differences, advice);
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
    compare_cells(a, b, compared);
    comparison.cells.push_back(std::move(compared));
  }
  for (const CellSummary& cell : a.cells) {
    const std::string identity = identity_of(cell, options.across_machines);
    if (!shared.contains(identity) && in_a.at(identity) == &cell) comparison.only_in_a.push_back(&cell);
  }
  if (shared.empty()) {
    throw ConfigError(fmt::format("there is nothing to compare: of {} and {} cells none has the same factors; {}", a.cells.size(),
                                  b.cells.size(), why_nothing_matches(a, b)));
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
