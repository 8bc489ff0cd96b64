#pragma once

// Latency of the cells of an analysed run whose tasks arrive: percentiles of the sojourns over all repetitions, with intervals, beside what the
// model says; who is in them, and whether the measurement obeys Little's law.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/analysis/predictions.h"
#include "harness/model/quantiles.h"

namespace harness {

// Beyond this the mean number of clients is not what their rate and their stay make of it: a finding. Per cent.
inline constexpr double kLittleTolerancePct = 2;

struct Latency {
  std::size_t cell = 0;  // of Analysis::cells
  // Percentiles are over these: of all repetitions that ended well those that were served, but for the first tenth (core/sojourns.h). 0: the
  // directory has no sojourns/ of them, and there are no percentiles.
  std::int64_t clients = 0;
  std::int64_t rejected = 0;          // of all clients of all repetitions
  std::int64_t late_by_deadline = 0;  // likewise; they are in the percentiles
  std::int64_t arrived = 0;           // all of them
  model::Quantile p50, p95, p99, p999;
  std::int64_t max_ns = 0;
  double offered_per_s = 0;               // clients over the time until the last of them comes
  double completed_per_s = 0;             // median over the repetitions
  std::int64_t queue_max = 0;             // of all repetitions
  std::int64_t release_lag_p99_ns = 0;    // the worst repetition's
  std::optional<double> little_pct = {};  // 100 (L / (lambda W) - 1), the worst repetition's; nothing without a client
  std::string finding;  // Little's law broken, or the generator late for a good part of a sojourn, in one line; empty if not
};

// In the order of the cells, only those whose tasks arrive and of which a repetition ended well.
std::vector<Latency> latencies(const Analysis& analysis);

}  // namespace harness
