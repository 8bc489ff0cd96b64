#pragma once

// What `predict` can be asked beyond the flags it shares with `case`: overheads, computation, sweeps.

#include <optional>
#include <string>
#include <vector>

#include "harness/cli/case_options.h"
#include "harness/model/case.h"

namespace harness {

struct PredictOptions {
  CaseOptions base;
  bool explain = false;
  std::vector<std::string> sweeps;  // "workers=1..64"
  std::optional<std::string> submit_cost, dispatch_cost, routing_cost;
  std::optional<std::string> compute, callback_compute;  // after the waits: one for all, or one per task
  std::optional<std::string> cores;
  bool gil = false;
  bool coupled = false;
};

// REQUIRES: `options` outlives `command`.
void add_predict_options(CLI::App& command, PredictOptions& options);

// One point of a sweep, or the only one.
struct PredictedPoint {
  model::Case model_case;
  Cell cell;  // for describing it
};

struct PredictRequest {
  std::vector<PredictedPoint> points;     // sweep order, the last axis fastest
  std::vector<std::string> swept;         // names of the axes, as given
  bool parsers_auto = false;              // the points' parsers are m*
};

// Validates everything. Throws ConfigError.
PredictRequest predict_request(const PredictOptions& options, int usable_cores);

}  // namespace harness
