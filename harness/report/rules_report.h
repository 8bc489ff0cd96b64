#pragma once

// What came of the rules of thumb, for people, programs and pictures.
//
// Thread safety: pure functions.

#include <span>
#include <string>
#include <vector>

#include "harness/base/look.h"
#include "harness/validate/rules/trial.h"

namespace harness {

// For people: a line per rule, a column per W/C, batches and rates beside each other, or below each other where the page is too narrow for that;
// then what the marks mean, and the sources. `notes` are lines on what was left out.
std::string rules_text(std::span<const RuleResult> results, const std::vector<std::string>& notes, const Look& look = {});

// The same as Markdown, with the verdicts and sources in the table.
std::string rules_markdown(std::span<const RuleResult> results, const std::vector<std::string>& notes);

// {"rules": [{"name", "formula", "source", "verdict", "regret_pct", "interval_pct": [low, high], "missed", "open", "cases": [{"kind",
// "wait_per_compute", "distribution", "cpu_quota", "cores", "workers", "best_workers", "outcome", "regret_pct", "interval_pct"}, ...]}, ...],
// "bound_in_services", "notes"}. regret_pct and interval_pct are null where there is no regret, workers where the rule does not say, best_workers
// where nobody meets the bound.
std::string rules_json(std::span<const RuleResult> results, const std::vector<std::string>& notes);

// derived/rules.csv, a line per rule, kind and W/C, and derived/rule_cases.csv, one per rule and case; docs/data_dictionary.md describes the columns.
std::string rules_csv(std::span<const RuleResult> results);
std::string rule_cases_csv(std::span<const RuleResult> results);

}  // namespace harness
