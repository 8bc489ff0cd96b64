#pragma once

// Results as JSON, for `show --json` and `compare --json`.

#include <nlohmann/json.hpp>
#include <string>

#include "harness/analysis/analysis.h"

namespace harness {

// cell_id and the factor columns of the row, with the names, the order and the types of results.csv.
nlohmann::ordered_json factors_json(const RowKind& row);

// {"machine_id", "build_id", "cells": [{cell_id, factors, "n", "failed", "failure", "median_ns", "ci_low_ns", "ci_high_ns",
// "ci_coverage", "predicted_ns", "scenario", "best", "ties", "ratio", "ratio_low", "ratio_high"}, ...]}: numbers that are
// not there are null. One document with its line end.
std::string analysis_json(const Analysis& analysis);

}  // namespace harness
