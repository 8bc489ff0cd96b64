#pragma once

// What the tutorial claims, as data, and how a claim is decided from samples.
//
// A claim is one reading of the tutorial (a formula) applied to one cell. It is expected to hold where the formula's
// domain, which the model knows exactly, contains the cell, and to be refuted where it does not: then the cell is a
// counterexample. Tolerances follow from the predictions alone and are fixed before anything runs.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cell.h"
#include "harness/model/case.h"
#include "harness/model/closed_forms.h"
#include "harness/model/statistics.h"
#include "harness/sample.h"

namespace harness {

// Tasks and callbacks in ms that all start on one pool of sleeping workers.
struct ClaimCell {
  std::string_view backend;
  int workers = 1;
  std::string_view strategy;
  int parsers = 0;
  std::vector<std::int64_t> tasks_ms;
  std::vector<std::int64_t> callbacks_ms;  // one per task
};

struct Claim {
  std::string_view id;
  std::string_view english;
  std::string_view chinese;  // the tutorial's own words; empty where the claim is the model's answer to it
  model::ClosedForm (*formula)(const model::Case&);
  ClaimCell cell;
};

// In the order in which a reader wants them. Constant; ids are unique.
std::span<const Claim> claims();

// The cell of a claim, complete; equal for claims that share it. All durations times `scale`: the tutorial's own
// programs are scale 10. REQUIRES: scale >= 1, and no duration beyond 63 bits.
Cell cell_of(const Claim& claim, int cores, std::int64_t scale = 1);

struct ClaimPrediction {
  std::string formula;
  std::int64_t claimed_ns = 0;  // what the formula says
  std::int64_t model_ns = 0;    // what the exact model says
  model::Verdict expected = model::Verdict::inconclusive;
  std::string violated;           // which condition of the formula the cell violates, in numbers; empty if none
  std::int64_t gap_ns = -1;       // distance of claimed_ns to the nearest other value that a rival formula gives
  std::string rival;              // that formula
  std::int64_t tolerance_ns = 0;  // min(max(10 ms, 3 % of claimed_ns), gap / 3)
};
ClaimPrediction predict(const Claim& claim, std::int64_t scale = 1);

struct ClaimResult {
  const Claim* claim = nullptr;
  std::int64_t scale = 1;
  ClaimPrediction prediction;
  model::Verdict verdict = model::Verdict::inconclusive;
  std::vector<std::int64_t> makespans_ns;   // of the repetitions that ended well
  int failed = 0;                           // repetitions that did not
  std::optional<std::int64_t> measured_ns;  // their median
  model::Interval interval;                 // meaningful when measured_ns is
  // On a refutation the violated condition, in numbers; on an inconclusive verdict why; else empty.
  std::string explanation;

  std::string id() const;  // of the claim, with the scale if it is not 1: "thread_equal@10x"
  // A verdict that contradicts the model's.
  bool contradicts() const;
};

ClaimResult decide(const Claim& claim, std::vector<std::int64_t> makespans_ns, int failed, std::int64_t scale = 1);

// All claims whose cells `samples` hold at any whole scale, matched by their factors (durations included, whichever
// distribution gave them), in the order of claims(), then of scales. Warm-ups do not count; a repetition that is there
// twice counts as it ended last.
std::vector<ClaimResult> evaluate_claims(std::span<const Sample> samples);

std::string_view to_string(model::Verdict verdict);

}  // namespace harness
