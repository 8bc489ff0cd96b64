#include "harness/analysis/over_blocks.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace harness {
namespace {

// The interval of a mean of logarithms, in ns and within what an integer holds.
std::int64_t to_ns(double value) {
  constexpr double kMost = 0x1p62;
  return static_cast<std::int64_t>(std::llround(std::clamp(value, 0.0, kMost)));
}

// Of tasks that take no time: of 1 ns.
double log_median(const BlockCell& cell) { return std::log(static_cast<double>(std::max<std::int64_t>(cell.median_ns, 1))); }

// log(b/a) of the medians; nothing where one of them took no time.
std::optional<double> log_ratio(const BlockCell& a, const BlockCell& b) {
  if (a.median_ns <= 0 || b.median_ns <= 0) return std::nullopt;
  return std::log(static_cast<double>(b.median_ns) / static_cast<double>(a.median_ns));
}

const BlockCell* in_block(const CellSummary& cell, std::size_t block) {
  const auto at = std::ranges::find(cell.blocks, block, &BlockCell::block);
  return at == cell.blocks.end() ? nullptr : &*at;
}

// Processor time beyond half of what the tasks and callbacks took.
bool is_computing(const CellSummary& cell) {
  double cpu = 0;
  double took = 0;
  for (const Row* const row : cell.ok) {
    cpu += static_cast<double>(row->measures.cpu_user_ns);
    took += static_cast<double>(row->measures.sum_task_ns + row->measures.callback_sum_ns);
  }
  return cpu > took / 2;
}

}  // namespace

std::string identity_across_machines(const RowKind& row, const std::optional<Cell>& cell) {
  if (!cell) return row.cell_id;
  Factors factors = *cell;
  factors.cores = 0;
  return cell_id(factors, cell->task_durations_ns, cell->callback_durations_ns, cell->arrivals_ns);
}

void summarise_blocks(CellSummary& cell, std::map<std::size_t, std::vector<std::int64_t>>&& makespans_ns) {
  std::vector<double> logs;
  bool positive = true;
  for (auto& [block, values] : makespans_ns) {
    BlockCell own;
    own.block = block;
    own.median_ns = model::median(values);
    own.interval = model::median_interval(values);
    own.makespans_ns = std::move(values);
    positive = positive && own.median_ns > 0;
    logs.push_back(log_median(own));
    cell.blocks.push_back(std::move(own));
  }
  if (!positive) return;  // of tasks that take no time: the median over all rows stands
  const model::Ratio mean = block_ratio(logs).ratio;
  cell.median_ns = to_ns(mean.estimate);
  cell.interval = {to_ns(mean.lower), to_ns(mean.upper), mean.coverage};
}

void compare_over_blocks(const CellSummary& best, CellSummary& cell) {
  if (&cell == &best) {
    cell.ratio = model::Ratio{1, 1, 1, 1};
    return;
  }
  std::vector<double> logs;
  for (const BlockCell& own : cell.blocks) {
    const BlockCell* const other = in_block(best, own.block);
    const std::optional<double> log = other != nullptr ? log_ratio(*other, own) : std::nullopt;
    if (log) logs.push_back(*log);
  }
  if (logs.empty()) return;
  const BlockRatio over = block_ratio(logs);
  cell.ratio = over.ratio;
  cell.tie = over.ratio.estimate < 1 + kMinimumEffect || over.p >= kSignificance;
}

void find_best_of_each_block(Analysis& analysis, const Scenario& scenario) {
  std::map<std::size_t, BlockCell*> best;
  for (const std::size_t index : scenario.cells) {
    for (BlockCell& own : analysis.cells[index].blocks) {
      BlockCell*& known = best[own.block];
      if (known == nullptr || own.median_ns < known->median_ns) known = &own;
    }
  }
  for (const std::size_t index : scenario.cells) {
    for (BlockCell& own : analysis.cells[index].blocks) {
      const BlockCell& of_block = *best.at(own.block);
      own.best = &own == &of_block;
      own.tie = !own.best && ties(of_block.makespans_ns, own.makespans_ns);
    }
  }
}

std::vector<double> log_ratios(const Analysis& analysis_a, const CellSummary& a, const Analysis& analysis_b,
                               const CellSummary& b) {
  std::vector<double> logs;
  for (const BlockCell& of_a : a.blocks) {
    for (const BlockCell& of_b : b.blocks) {
      if (analysis_a.blocks[of_a.block].name != analysis_b.blocks[of_b.block].name) continue;
      if (const std::optional<double> log = log_ratio(of_a, of_b)) logs.push_back(*log);
    }
  }
  return logs;
}

std::vector<NodeEffect> node_effects(const Analysis& analysis) {
  constexpr double kScale = 1e6;  // logarithms as integers, which the order statistics are of
  std::map<std::pair<bool, std::size_t>, std::vector<std::int64_t>> effects;
  std::size_t most = 0;
  for (const CellSummary& cell : analysis.cells) most = std::max(most, cell.blocks.size());
  for (const CellSummary& cell : analysis.cells) {
    if (cell.blocks.size() < std::max<std::size_t>(most, 2)) continue;
    double mean = 0;
    for (const BlockCell& own : cell.blocks) mean += log_median(own);
    mean /= static_cast<double>(cell.blocks.size());
    const bool computing = is_computing(cell);
    for (const BlockCell& own : cell.blocks) {
      effects[{computing, own.block}].push_back(std::llround(kScale * (log_median(own) - mean)));
    }
  }
  std::vector<NodeEffect> all;
  for (const auto& [key, values] : effects) {
    const model::Interval interval = model::median_interval(values);
    const auto ratio = [](std::int64_t value) { return std::exp(static_cast<double>(value) / kScale); };
    all.push_back({key.second,
                   key.first,
                   values.size(),
                   {ratio(model::median(values)), ratio(interval.lower), ratio(interval.upper), interval.coverage}});
  }
  return all;
}

std::vector<Disagreement> disagreements(const Analysis& analysis) {
  std::vector<Disagreement> found;
  for (std::size_t s = 0; s < analysis.scenarios.size(); ++s) {
    const Scenario& scenario = analysis.scenarios[s];
    if (!scenario.best) continue;
    for (const BlockCell& own : analysis.cells[*scenario.best].blocks) {
      if (own.best || own.tie) continue;
      for (const std::size_t index : scenario.cells) {
        const BlockCell* const other = in_block(analysis.cells[index], own.block);
        if (other != nullptr && other->best) found.push_back({s, own.block, index});
      }
    }
  }
  return found;
}

}  // namespace harness
