#pragma once

// The verdict of a run in plain words, at most 100 columns wide: per scenario what won, by how much, what ties with it,
// how thread and process pools and worker counts compare, which cells failed, and which of the tutorial's formulas
// held.

#include <filesystem>
#include <iosfwd>
#include <string>

#include "harness/analysis/analysis.h"

namespace harness {

// "process, 4 workers (cores*2), extra(2)": which of its scenario's cells it is.
std::string name_of(const CellSummary& cell);

// Reads results.csv, context/ and suite.toml. Throws as analyse().
void print_verdict(const std::filesystem::path& run_directory, std::ostream& out);

// The same of an analysis.
void print_verdict(const Analysis& analysis, std::ostream& out);

}  // namespace harness
