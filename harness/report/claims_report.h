#pragma once

// The verdicts on the claims for people, programs and pages.
//
// Thread safety: pure functions.

#include <span>
#include <string>

#include "harness/base/look.h"
#include "harness/validate/claims.h"

namespace harness {

// {"claims": [{"id", "verdict", "expected", "predicted_ns", "measured_ns", "tolerance_ns", "violated", then what the CSV has
// more and "translation", the tutorial's words in English}, ...]}; measured_ns is null without a measurement, violated null unless the verdict is `refuted`.
std::string claims_json(std::span<const ClaimResult> results);

// For people: of each claim a line of numbers, its sentence and the tutorial's words in English, then what was refuted or is open and
// why. Below 100 columns the table has fewer of them, and says so.
std::string claims_text(std::span<const ClaimResult> results, const Look& look = {});

// One table, with the tutorial's words, each refutation with its counterexample.
std::string claims_markdown(std::span<const ClaimResult> results);

// derived/claims.csv; docs/data_dictionary.md describes the columns.
std::string claims_csv(std::span<const ClaimResult> results);

// Of claims that are open because the machine was busy: that the command that resumes, or the same one where nothing is kept and it is
// empty, decides them. One line with its end; empty where there is no such claim.
std::string undecided_text(std::span<const ClaimResult> results, const std::string& command);

// The calibrated overheads, a line per backend and strategy.
std::string overheads_text(const Overheads& overheads);

// "process k=4 m=2: 4 x 300 ms, callbacks 60 ms"
std::string cell_text(const Cell& cell);

}  // namespace harness
