#pragma once

// The answer of a run in a few sentences: which pool and how many workers for work of each kind, who is to run the callbacks, and
// where there are too few repetitions for an answer. What they rest on is in the tables (report.h).
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "harness/analysis/analysis.h"

namespace harness {

// Fewer repetitions than these tell nothing apart: the least p of the test of 3 and 3 is 0.1.
inline constexpr std::size_t kEnoughRepetitions = 4;

// Whether the cell may be called best, or as good as another.
bool has_enough(const CellSummary& cell);

// Without an end of line. Empty where nothing was compared.
std::vector<std::string> answers(const Analysis& analysis);

}  // namespace harness
