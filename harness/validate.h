#pragma once

// The claims, measured: their cells as one plan, and what came of it as text, JSON and CSV.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/claims.h"
#include "harness/plan.h"

namespace harness {

// One cell for all claims that share it, in random order from `seed`, no warm-ups: every repetition warms its own pool.
Plan validation_plan(int runs, int cores, std::uint64_t seed);

// The same plan as a suite, so that a run directory can be read without this program's claims.
std::string validation_suite(int runs, std::uint64_t seed);

// Every claim; those without a sample are inconclusive ("not measured").
std::vector<ClaimResult> validate(std::span<const Sample> samples);

// {"claims": [{"id", "verdict", "expected", "predicted_ns", "measured_ns", "tolerance_ns", "violated"}, ...]};
// measured_ns is null without a measurement, violated null unless the verdict is `refuted`.
std::string claims_json(const std::vector<ClaimResult>& results);

// For people: one line per claim, then what was refuted and why. Fits 100 columns.
std::string claims_text(const std::vector<ClaimResult>& results);

// derived/claims.csv: the columns of the JSON first, then formula, model_ns, interval, n, failed, rival, gap and the
// claim in both languages.
std::string claims_csv(const std::vector<ClaimResult>& results);

// Whether a verdict contradicts the model's.
bool any_contradiction(const std::vector<ClaimResult>& results);

}  // namespace harness
