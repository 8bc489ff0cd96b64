#pragma once

// The verdicts on the claims for people, programs and pages.
//
// Thread safety: pure functions.

#include <span>
#include <string>

#include "harness/validate/claims.h"

namespace harness {

// {"claims": [{"id", "verdict", "expected", "predicted_ns", "measured_ns", "tolerance_ns", "violated", then what the CSV has
// more}, ...]}; measured_ns is null without a measurement, violated null unless the verdict is `refuted`.
std::string claims_json(std::span<const ClaimResult> results);

// For people: one line per claim, then what was refuted or is open and why. The table fits 100 columns.
std::string claims_text(std::span<const ClaimResult> results);

// One table, with the tutorial's words, each refutation with its counterexample.
std::string claims_markdown(std::span<const ClaimResult> results);

// derived/claims.csv; docs/data_dictionary.md describes the columns.
std::string claims_csv(std::span<const ClaimResult> results);

// The calibrated overheads, a line per backend and strategy.
std::string overheads_text(const Overheads& overheads);

// "process k=4 m=2: 4 x 300 ms, callbacks 60 ms"
std::string cell_text(const Cell& cell);

}  // namespace harness
