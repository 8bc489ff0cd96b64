#pragma once

// Two result directories, cell by cell: what `compare` says. A is before, B after.
//
// Two cells are the same when all factors are, the durations of every task included; the build and the machine are not
// factors. Across machines, `cores` is set aside as well: a number of workers means the same there, "cores*5" does not.
// Repetitions are compared by their makespans; of cells whose tasks arrive, whose makespan says how long they came, by the p99 of their sojourns.
// Note that a workload that computes is calibrated anew by each run, so that a task of 10 ms takes 10 ms in both.
//
// Thread safety: pure functions.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/base/look.h"
#include "harness/model/comparison.h"

namespace harness {

struct CompareOptions {
  double minimum_effect = 0.05;  // of the ratio of the medians
  bool across_machines = false;
};

struct ComparedCell {
  const CellSummary* a = nullptr;
  const CellSummary* b = nullptr;
  std::string scenario;            // its title in B
  bool by_latency = false;         // by the p99 of the sojourns
  std::vector<std::int64_t> a_ns;  // of each repetition that ended well
  std::vector<std::int64_t> b_ns;
  std::int64_t a_median_ns = 0;  // over several machines the geometric mean of theirs
  std::int64_t b_median_ns = 0;
  model::Ratio ratio;     // B to A
  double p = 1;           // Mann-Whitney, two-sided
  double adjusted_p = 1;  // Holm over all compared cells
  model::Change change = model::Change::undecided;
};

// In both directories, but without a repetition that ended well in one of them.
struct UnmeasuredCell {
  const CellSummary* a = nullptr;
  const CellSummary* b = nullptr;
  bool broke = false;  // A measured it, B did not
  std::string why;     // "B: crash: ..."
};

struct Comparison {
  std::vector<ComparedCell> cells;  // the largest effect first
  std::vector<UnmeasuredCell> unmeasured;
  std::vector<const CellSummary*> only_in_a;
  std::vector<const CellSummary*> only_in_b;

  std::size_t count(model::Change change) const;
};

// Points into `a` and `b`. Throws ConfigError: the machines differ and that was not allowed; no cell is in both.
Comparison compare(const Analysis& a, const Analysis& b, const CompareOptions& options);

// One line, or nothing: that no cell could have been called faster or slower, whatever was measured, because there are so
// few repetitions of so many cells; and how many it takes.
std::string powerless(const Comparison& comparison);

// As the user named them, for the headings.
struct ComparedNames {
  std::string a;
  std::string b;
};

// For people.
std::string comparison_text(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options,
                            const Look& look = {});
// The table of the compared cells as Markdown, below one line of summary.
std::string comparison_markdown(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options);
// {"a", "b", "minimum_effect", "significance", "interval", "summary": {verdict: number}, "cells": [{cell_id, factors,
// "measure": "makespan" or "sojourn_p99", "verdict", "ratio", "ratio_low", "ratio_high", "coverage", "p", "p_holm", "a_median_ns", "b_median_ns", "a_n", "b_n"}],
// "unmeasured": [...], "only_in_a": [...], "only_in_b": [...]}
std::string comparison_json(const Comparison& comparison, const ComparedNames& names, const CompareOptions& options);

}  // namespace harness
