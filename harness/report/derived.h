#pragma once

// derived/: what follows from results.csv, made again at will and never mixed with it.

#include <filesystem>

#include "harness/analysis/analysis.h"

namespace harness {

// Writes derived/summary.csv, model.csv, claims.csv and, where tasks arrive, latency.csv and closed_loop.csv of a run directory, each to a temporary
// name first and then renamed over the old one. Reads results.csv, context/ (calibration), cells/ (the durations of explicit cases; in a
// directory that has none, suite.toml) and evidence/.
//
//   summary.csv  cell_id, n, median_ns, ci_low_ns, ci_high_ns, best, ties, failed, ci_coverage, ratio, ratio_low,
//                ratio_high, scenario
//                per cell in order of appearance: repetitions that ended well, their median (lower middle), its exact
//                95 % interval; best is 1 for the fastest cell of its scenario, ties 1 for those that a statistical tie
//                joins to it (the best itself: 0); ratio is how many times the best's makespan this one takes, with its
//                interval; scenario is the title of the cells it is compared with, no two scenarios have the same
//   model.csv    cell_id, strategy, predicted_ns, formula, in_domain, residual_pct, binding, violated, basis,
//                expected_ns, expected_residual_pct
//                predicted_ns is the simulation's, empty where the tasks have no defined service time and none was
//                measured; formula the closed form, in_domain 1 where it is exact for the cell; residual_pct = 100
//                (median - predicted) / predicted; basis says where service times came from: "requested" or "measured
//                at 1 worker"; expected_ns is the simulation's where every wait is as much longer as the run's calibration
//                found sleeps to end late, and the last column its residual
//   latency.csv  of cells whose tasks arrive, see latency_csv() in latency_report.h; not there without one
//   closed_loop.csv  cell_id, clients, p50_ns, p99_ns with their ends, max_ns, predicted_p50_ns, predicted_p99_ns
//                of traced batches on a pool that other cells have arrivals on, see closed_loops() in closed_loop.h; not there without one
//   claims.csv   see claims_csv() in validate.h
//
// Throws ConfigError when results.csv is not there or cannot be read, OutputError when a file cannot be written.
void derive(const std::filesystem::path& run_directory);
// The same of a directory that has been read. REQUIRES: `analysis` is of it.
void derive(const std::filesystem::path& run_directory, const Analysis& analysis);

}  // namespace harness
