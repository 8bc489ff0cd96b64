#pragma once

// Cells that several machines measured: what holds over the machines, and what the machines differ in.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/block_ratio.h"

namespace harness {

// What a cell is on every machine, whatever number of cores that has: "cores*5" is not the same on two, 10 workers are. Without its durations a cell is
// the same as one of its own id only.
std::string identity_across_machines(const RowKind& row, const std::optional<Cell>& cell);

// Fills cell.blocks, and the cell's median and interval over them. REQUIRES: of two machines at least one has a value.
void summarise_blocks(CellSummary& cell, std::map<std::size_t, std::vector<std::int64_t>>&& makespans_ns);

// Ratio and tie of `cell` to `best` over the machines that measured both.
void compare_over_blocks(const CellSummary& best, CellSummary& cell);

// BlockCell::best and ::tie.
void find_best_of_each_block(Analysis& analysis, const Scenario& scenario);

// log(b/a) of the medians on each machine that measured both, machines matched by name.
std::vector<double> log_ratios(const Analysis& analysis_a, const CellSummary& a, const Analysis& analysis_b,
                               const CellSummary& b);

// How much slower a machine is than the geometric mean of all, in cells that all of them measured.
struct NodeEffect {
  std::size_t block = 0;
  bool computing = false;  // of cells whose tasks compute for most of their time; else of those that wait
  std::size_t cells = 0;
  model::Ratio ratio;  // median over the cells, with the sign test's interval
};
std::vector<NodeEffect> node_effects(const Analysis& analysis);

// Scenarios in which the best over all machines is neither the best nor tied with it on one of them, with that machine.
struct Disagreement {
  std::size_t scenario = 0;
  std::size_t block = 0;
  std::size_t best = 0;  // cell that is best there
};
std::vector<Disagreement> disagreements(const Analysis& analysis);

}  // namespace harness
