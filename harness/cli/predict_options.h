#pragma once

// What `predict` can be asked beyond the flags it shares with `case`: overheads, computation, event loops, sweeps.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/cli/case_options.h"
#include "harness/core/factors.h"
#include "harness/model/case.h"

namespace harness {

struct PredictOptions {
  CaseOptions base;
  bool explain = false;
  std::vector<std::string> sweeps;  // "workers=1..64"
  std::optional<std::string> submit_cost, dispatch_cost, routing_cost, wake_cost;
  std::optional<std::string> compute, callback_compute;  // after the waits: one for all, or one per task
  std::optional<std::string> cores;
  std::optional<std::string> arrivals, seed;
  ClientFlags clients;
  std::optional<std::string> hop_latency, bandwidth, payload;
  bool gil = false;
  bool coupled = false;
};

// REQUIRES: `options` outlives `command`.
void add_predict_options(CLI::App& command, PredictOptions& options);

// One point of a sweep, or the only one.
struct PredictedPoint {
  model::Case model_case;
  Factors factors;  // for describing it
};

// What distinguishes the points of a sweep.
struct PointSizes {
  int workers = 0;
  std::string workers_spec;
  int parsers = 0;
  int chunksize = 0;
  std::int64_t in_flight = 0;  // 0: any number
};
PointSizes sizes_of(const PredictedPoint& point);

struct SweptAxis {
  std::string axis;  // workers, parsers, chunksize or in-flight
  std::vector<Size> values;
};

// One case, or the points of a sweep, of which one at a time exists: they share their tasks, and there may be many of both.
class PredictRequest {
 public:
  // REQUIRES: `first` is the point with each axis at its first value.
  PredictRequest(PredictedPoint first, std::vector<SweptAxis> sweeps, bool parsers_auto);

  bool parsers_auto() const { return parsers_auto_; }  // the points' parsers are m*
  std::size_t points() const { return points_; }       // 1 without a sweep
  const PredictedPoint& point() const { return point_; }

  // Sweep order, the last axis fastest. REQUIRES: index < points().
  const PredictedPoint& move_to(std::size_t index);
  // Back to a point that was there, as sizes_of() has it.
  const PredictedPoint& move_to(const PointSizes& sizes);

 private:
  PredictedPoint point_;
  const std::vector<SweptAxis> sweeps_;
  const bool parsers_auto_;
  std::size_t points_ = 1;
};

// Validates everything. Throws ConfigError.
PredictRequest predict_request(const PredictOptions& options, int usable_cores);

}  // namespace harness
