#pragma once

// Latencies of tasks that arrive, as derived/latency.csv and in the verdict.

#include <iosfwd>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/predictions.h"
#include "harness/base/look.h"

namespace harness {

// Per cell whose tasks arrive, in order of appearance:
//
//   cell_id, clients, arrived, rejected
//   p50_ns, p50_low_ns, p50_high_ns, and so p95, p99, p999; max_ns
//   predicted_p50_ns, predicted_p95_ns, predicted_p99_ns, predicted_p999_ns, predicted_max_ns, and so expected
//   offered_per_s, completed_per_s, queue_max, release_lag_p99_ns, little_pct, finding
//   late_by_deadline; predicted_rejected, predicted_late_by_deadline, and so expected: of as many repetitions as were measured
//
// Percentiles are of `clients` sojourns, of all repetitions; empty where there are none. predicted_ and expected_ are the simulation's, of the same
// clients, as predicted_ns and expected_ns of model.csv; empty where it has none.
std::string latency_csv(const Analysis& analysis);

// The same for people, of one scenario; nothing for a batch. REQUIRES: `predictions` is predict_cells(analysis).
void print_latencies(std::ostream& out, const Analysis& analysis, const std::vector<CellPrediction>& predictions,
                     const Scenario& scenario, const Look& look);

// Whether tasks of one of the cells arrive.
bool has_latencies(const Analysis& analysis);

}  // namespace harness
