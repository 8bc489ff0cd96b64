#pragma once

// `predict --sweep`: the points of a sweep, one after the other, with progress where that takes longer than a moment, until an
// interruption.
//
// Not thread-safe.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/cli/predict_options.h"
#include "harness/core/sojourns.h"
#include "harness/model/arrivals.h"
#include "harness/sweep/sinks/progress.h"

namespace harness {

// Where tasks arrive.
ClientCounts counts_of(const PredictedPoint& point, const model::Prediction& prediction);

struct SweepRow {
  PointSizes sizes;
  std::int64_t makespan_ns = 0;
  std::string decides = {};  // the term that binds, or why no formula holds; empty when not asked for, and where tasks arrive
  std::optional<model::SojournSummary> sojourn = std::nullopt;  // where tasks arrive
  ClientCounts counts = {};                                     // likewise
};

struct PredictedSweep {
  std::vector<SweepRow> rows;  // of all points, or of those before the interruption
  // Of the shortest makespan, or where tasks arrive of the shortest 99th percentile of the sojourns; of equal ones the one with
  // fewer workers and parsers in all, then fewer in flight, then the earlier.
  std::size_t best = 0;
  bool interrupted = false;
};

struct PredictSeams {
  std::function<std::chrono::nanoseconds()> now;  // monotonic
  std::function<bool()> stop;                     // looked at between two points
  ProgressOptions progress;
};

// Leaves `request` at its last point. Says nothing within the first second.
PredictedSweep predict_points(PredictRequest& request, bool with_formulas, const PredictSeams& seams);

}  // namespace harness
