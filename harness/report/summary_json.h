#pragma once

// Plans and results as JSON, for `run`, `show` and `compare`.

#include <nlohmann/json.hpp>
#include <string>

#include "harness/analysis/analysis.h"
#include "harness/core/cell.h"
#include "harness/plan/plan.h"

namespace harness {

// cell_id and the factor columns of the row, with the names, the order and the types of results.csv.
nlohmann::ordered_json factors_json(const RowKind& row);
nlohmann::ordered_json factors_json(const Cell& cell);

// What a run would do: {"suite", "cells": [{cell_id, factors, "runs", "warmup", "predicted_ns"}, ...], "skips": [{"what", "reason"}, ...],
// "repetitions" with warm-ups, "estimate_ns"}. Of a part of a sweep its own cells.
std::string plan_json(const Plan& plan);

// {"machine_id", "build_id", "answers": what the verdict begins with, a sentence each, "noise": what disturbed the run, or "",
// "cells": [{cell_id, factors, "n", "failed", "disturbed", "failure", "median_ns", "ci_low_ns", "ci_high_ns",
// "ci_coverage", "predicted_ns", "scenario", "best", "ties", "ratio", "ratio_low", "ratio_high"}, ...]}: numbers that are
// not there are null. One document with its line end.
std::string analysis_json(const Analysis& analysis);

}  // namespace harness
