#pragma once

// A scenario: cells that do the same work for the same clients, so that only backend, workers, strategy, parsers, chunksize, in_flight and cores differ. What
// a verdict compares is of one scenario.
//
// Thread safety: pure functions.

#include <string>

#include "harness/core/cell.h"

namespace harness {

// Equal for cells of one scenario. Durations of an explicit distribution are known from the cell alone.
std::string scenario_key(const Cell& cell);
// Where they are not known: of an explicit distribution nobody knows what it is comparable with, and `cell_id` makes a scenario of its own.
std::string scenario_key(const Factors& factors, const std::string& cell_id);

}  // namespace harness
