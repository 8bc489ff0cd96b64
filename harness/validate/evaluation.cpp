// From the rows of a run to what was measured for each claim: which rows are a claim's cells, at which scale, and which
// repetitions belong together.

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/sweep/gate.h"
#include "harness/validate/claims.h"

namespace harness {
namespace {

// The rows of a cell in order of their repetitions' numbers, each number once.
using RepetitionRows = std::vector<std::pair<std::int64_t, const Row*>>;
// By cell_id. The last row of a repetition counts.
using RowsOfCells = std::map<std::string_view, RepetitionRows>;

RowsOfCells rows_of_cells(const Rows& all) {
  std::unordered_map<const RowKind*, RepetitionRows*>
      of_kind;  // of many rows with one kind only the first is looked up by its id
  RowsOfCells rows;
  for (const Row& row : all.all()) {
    RepetitionRows*& repetitions = of_kind[row.kind];
    if (repetitions == nullptr) {
      if (row.kind->is_warmup != 0) continue;
      repetitions = &rows[row.kind->cell_id];
    }
    repetitions->emplace_back(row.rep, &row);
  }
  for (auto& [id, repetitions] : rows) {
    const auto by_number = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(repetitions.begin(), repetitions.end(), by_number);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < repetitions.size(); ++i) {
      if (i + 1 == repetitions.size() || repetitions[i + 1].first != repetitions[i].first) repetitions[kept++] = repetitions[i];
    }
    repetitions.resize(kept);
  }
  return rows;
}

// The scale at which the row's cell is the claim's index-th, whatever its distribution is called; 0 if it is not. The
// cell's id, a hash of all durations, decides.
std::int64_t scale_of(const Claim& claim, std::size_t index, const RowKind& sample) {
  const ClaimCell& wanted = claim.cells[index];
  const std::int64_t workers = wanted.per_core ? std::int64_t{wanted.workers} * sample.cores : wanted.workers;
  if (sample.backend != wanted.backend || sample.workers != workers || sample.strategy != wanted.strategy ||
      sample.parsers != wanted.parsers || sample.chunksize != wanted.chunksize || sample.workload != wanted.workload ||
      sample.tasks != static_cast<std::int64_t>(wanted.tasks_ms.size()) || sample.task_ns > std::int64_t{1} << 50) {
    return 0;
  }
  const std::int64_t longest = *std::max_element(wanted.tasks_ms.begin(), wanted.tasks_ms.end()) * kMs;
  for (const std::int64_t longest_now : {sample.task_ns, sample.task_ns * sample.tasks}) {  // the second: linear durations
    if (longest_now < longest || longest_now % longest != 0) continue;
    const std::int64_t scale = longest_now / longest;
    const Cell cell = cells_of(claim, sample.cores, scale)[index];
    if (cell_id(sample, cell.task_durations_ns, cell.callback_durations_ns) == sample.cell_id) return scale;
  }
  return 0;
}

bool ended_well(const Row& row) { return row.kind->status == "ok"; }
bool was_gated(const Row& row) { return row.kind->error.starts_with(kGated); }

// One claim at one scale: the rows of each of its cells. The same cell may stand under several ids (linear and explicit).
struct AtScale {
  std::vector<RepetitionRows> cells;  // per cell of the claim
  int cores = 1;
};

const Row* find(const RepetitionRows& repetitions, std::int64_t number) {
  const auto at = std::lower_bound(repetitions.begin(), repetitions.end(), number,
                                   [](const auto& repetition, std::int64_t wanted) { return repetition.first < wanted; });
  return at == repetitions.end() || at->first != number ? nullptr : at->second;
}

// Rounds: repetitions of the same number of all cells.
ScaleValues values_of(const Claim& claim, std::int64_t scale, const AtScale& rows, const EvidenceOf& evidence,
                      std::string& facts) {
  ScaleValues values;
  values.scale = scale;
  for (const auto& cell : rows.cells) {
    for (const auto& [rep, row] : cell) {
      values.failed += !ended_well(*row);
      values.gated += !ended_well(*row) && was_gated(*row);
    }
  }
  std::vector<Observation> round;
  for (const auto& [rep, first] : rows.cells.front()) {
    round.clear();
    bool complete = true;
    for (const auto& cell : rows.cells) {
      const Row* const found = find(cell, rep);
      if (found == nullptr || !ended_well(*found)) {
        complete = false;
        break;
      }
      const auto seen =
          evidence.empty() ? evidence.end() : evidence.find({found->kind->run_id, found->kind->cell_id, found->rep});
      round.push_back({found->kind, &found->measures, seen == evidence.end() ? nullptr : &seen->second});
      complete = complete && !(claim.needs_evidence && seen == evidence.end());
    }
    if (!complete) continue;
    values.values_ns.push_back(claim.measure ? claim.measure(round) : first->measures.makespan_ns);
    if (claim.facts) facts = claim.facts(round);
  }
  return values;
}

// The ids of the cells that have rows at this scale, each once.
void append_ids(const AtScale& at, std::vector<std::string>& ids) {
  for (const RepetitionRows& cell : at.cells) {
    for (const auto& [rep, row] : cell) {
      const std::string& id = row->kind->cell_id;
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
  }
}

Overheads::const_iterator overhead_of(const Overheads& overheads, const Claim& claim) {
  return overheads.find({std::string(claim.cells.front().backend), std::string(claim.cells.front().strategy)});
}

}  // namespace

std::vector<Cell> calibration_cells(int cores, const ChosenClaims& chosen) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::vector<Cell> cells;
  for (const Claim* claim : chosen) {
    const ClaimCell& formula = claim->cells.front();
    if (!claim->is_formula || !lacking(*claim).empty() || !seen.emplace(formula.backend, formula.strategy).second) continue;
    for (const std::size_t n : {4, 16, 64}) {
      Claim idle;
      idle.cells = {formula};
      idle.cells.front().workers = 4;
      idle.cells.front().chunksize = 1;
      idle.cells.front().tasks_ms = times(n, 0);
      idle.cells.front().callbacks_ms = times(n, 0);
      cells.push_back(cell_of(idle, cores));
    }
  }
  return cells;
}

namespace {

Overheads overheads_of(const RowsOfCells& rows) {
  std::map<std::pair<std::string, std::string>, std::vector<std::pair<double, double>>> points;
  for (const auto& [id, repetitions] : rows) {
    for (const auto& [rep, row] : repetitions) {
      const Factors& factors = *row->kind;
      if (!ended_well(*row) || factors.workload != "sleep" || factors.task_ns != 0 || factors.callback_ns != 0) continue;
      points[{factors.backend, factors.strategy}].emplace_back(static_cast<double>(factors.tasks),
                                                               static_cast<double>(row->measures.makespan_ns));
    }
  }
  Overheads overheads;
  for (const auto& [key, measured] : points) {
    const auto differs = [&](const auto& point) { return point.first != measured.front().first; };
    if (std::any_of(measured.begin(), measured.end(), differs)) overheads[key] = model::theil_sen(measured);
  }
  return overheads;
}

Rows rows_of(std::span<const Sample> samples) {
  Rows rows;
  for (const Sample& sample : samples) rows.add(sample);
  return rows;
}

}  // namespace

Overheads calibrated_overheads(std::span<const Sample> samples) { return overheads_of(rows_of_cells(rows_of(samples))); }

std::vector<ClaimResult> evaluate_claims(std::span<const Sample> samples, const EvidenceOf& evidence) {
  return evaluate_claims(rows_of(samples), evidence);
}

std::vector<ClaimResult> evaluate_claims(const Rows& all, const EvidenceOf& evidence) {
  const RowsOfCells rows = rows_of_cells(all);
  const Overheads overheads = overheads_of(rows);
  std::vector<ClaimResult> results;
  for (const Claim& claim : claims()) {
    std::map<std::int64_t, AtScale> by_scale;
    for (const auto& [id, repetitions] : rows) {
      const RowKind& any = *repetitions.front().second->kind;
      for (std::size_t index = 0; index < claim.cells.size(); ++index) {
        const std::int64_t scale = scale_of(claim, index, any);
        if (scale == 0) continue;
        AtScale& at = by_scale[scale];
        at.cells.resize(claim.cells.size());
        at.cores = any.cores;
        RepetitionRows& cell = at.cells[index];
        // Another id of the same cell continues the count.
        const std::int64_t offset = cell.empty() ? 0 : cell.back().first + 1;
        for (const auto& [rep, row] : repetitions) cell.emplace_back(offset + rep, row);
      }
    }
    // Nothing to compare with, and no way to see who did what, is not a measurement of the claim.
    std::string facts;
    std::map<std::int64_t, ScaleValues> values;
    for (const auto& [scale, at] : by_scale) {
      ScaleValues measured = values_of(claim, scale, at, evidence, facts);
      if (!measured.values_ns.empty() || measured.failed > 0) values.emplace(scale, std::move(measured));
    }
    const auto add = [&](std::vector<ScaleValues> scales) {
      const AtScale& at = by_scale.at(scales.front().scale);
      std::int64_t overhead = 0;
      if (const auto found = overhead_of(overheads, claim); claim.is_formula && found != overheads.end()) {
        const double n = static_cast<double>(claim.cells.front().tasks_ms.size());
        overhead = std::max<std::int64_t>(0, static_cast<std::int64_t>(found->second.intercept + found->second.slope * n));
      }
      std::vector<std::string> ids;
      for (const ScaleValues& one : scales) append_ids(by_scale.at(one.scale), ids);
      ClaimResult result = decide(claim, at.cores, std::move(scales), overhead);
      result.cell_ids = std::move(ids);
      result.facts = facts;
      results.push_back(std::move(result));
    };
    std::int64_t unit = 0;  // the largest with all three scales
    for (const auto& [scale, measured] : values) {
      if (claim.is_formula && values.contains(2 * scale) && values.contains(4 * scale)) unit = scale;
    }
    std::vector<ScaleValues> together;
    for (const auto& [scale, measured] : values) {
      if (unit != 0 && (scale == unit || scale == 2 * unit || scale == 4 * unit)) {
        together.push_back(measured);
        if (scale == 4 * unit) add(together);
      } else if (scale > unit) {  // what is below the unit was too blunt
        add({measured});
      }
    }
  }
  return results;
}

}  // namespace harness
