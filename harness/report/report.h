#pragma once

// The verdict of a run in plain words: first the answer in sentences (sentences.h), then how to read what follows, then per scenario
// what won, by how much, what ties with it, how pools, worker counts and ways to run callbacks compare, which cells failed, and which of
// the tutorial's formulas held.

#include <filesystem>
#include <iosfwd>
#include <string>

#include "harness/analysis/analysis.h"
#include "harness/base/look.h"

namespace harness {

// "process, 4 workers (cores*2), extra(2)": which of its scenario's cells it is.
std::string name_of(const CellSummary& cell);

// "extra(2)": who runs the callbacks, as the strategies call it.
std::string way_of_callbacks(const Factors& factors);

// Reads results.csv, context/ and suite.toml. Throws as analyse().
void print_verdict(const std::filesystem::path& run_directory, std::ostream& out, const Look& look = {});

// The same of an analysis.
void print_verdict(const Analysis& analysis, std::ostream& out, const Look& look = {});

}  // namespace harness
