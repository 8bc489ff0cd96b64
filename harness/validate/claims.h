#pragma once

// How a claim is decided from samples. Tolerances follow from the predictions alone and are fixed before anything runs; a
// formula is decided at three scales together, and its overhead is calibrated on tasks and callbacks that take no time.
//
// Thread safety: pure functions.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/core/cell.h"
#include "harness/core/evidence.h"
#include "harness/core/rows.h"
#include "harness/core/sample.h"
#include "harness/model/statistics.h"
#include "harness/validate/families/claim.h"

namespace harness {

// In the order in which a reader wants them. Constant; ids are unique.
std::span<const Claim> claims();

using ChosenClaims = std::vector<const Claim*>;
// Those whose id matches the pattern, as a shell matches file names ("loop_*"), in their order. Throws ConfigError naming all ids if there is
// none.
ChosenClaims claims_matching(const std::string& pattern = "*");

// What this build or machine lacks for one of the claim's cells, and what helps: "libuv: apt-get install libuv1-dev, then build again". Empty: nothing.
std::string lacking(const Claim& claim);

// The scales of a formula, in units of its durations.
inline constexpr std::int64_t kScales[] = {1, 2, 4};

// A value nearer than this to a rival's decides nothing, whatever is measured: the case is too blunt.
inline constexpr std::int64_t kLeastGap = 60'000'000;

// Repetitions that a claim left open gets once: of a formula three per scale, of another claim seven.
inline constexpr int kMoreAtThreeScales = 9;
inline constexpr int kMoreAtOneScale = 7;

// The cells of a claim, complete; equal for claims that share them. All durations times `scale`.
// REQUIRES: scale >= 1, and no duration beyond 63 bits.
std::vector<Cell> cells_of(const Claim& claim, int cores, std::int64_t scale = 1);
Cell cell_of(const Claim& claim, int cores, std::int64_t scale = 1);  // the first of them

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
ClaimPrediction predict(const Claim& claim, int cores, std::int64_t scale = 1);

// a + b*n, ns: what n tasks and callbacks that take no time take, by backend and strategy.
using Overheads = std::map<std::pair<std::string, std::string>, model::Line>;

// From all rows of cells whose tasks and callbacks sleep for 0, and from nothing else: a Theil-Sen line over n, per backend
// and strategy that has rows with two different n.
Overheads calibrated_overheads(std::span<const Sample> samples);

// Cells for that: every backend and strategy of a formula that can be measured here, at 4, 16 and 64 tasks on 4 workers.
std::vector<Cell> calibration_cells(int cores, const ChosenClaims& chosen = claims_matching());

// All of these on so many cores, at all the scales that are run, and those of the calibration: what a run directory of `validate` holds.
std::vector<Cell> cells_of_all_claims(int cores);

// What was measured at one scale.
struct ScaleValues {
  std::int64_t scale = 1;
  std::vector<std::int64_t> values_ns;  // one per round of repetitions that all ended well
  int failed = 0;                       // repetitions that did not
  int gated = 0;                        // of these, repetitions that the gate refused: the machine was not quiet
};

struct ClaimResult {
  const Claim* claim = nullptr;
  int cores = 1;
  std::int64_t scale = 1;  // the unit: of a formula at three scales the least
  ClaimPrediction prediction;
  model::Verdict verdict = model::Verdict::inconclusive;
  std::vector<ScaleValues> scales;
  std::vector<std::string> cell_ids;            // whose rows it was decided by, at all scales; empty if from values alone
  int repetitions = 0;                          // rounds that ended well, at all scales
  int failed = 0;                               // repetitions that did not, those that the gate refused included
  std::int64_t overhead_ns = 0;                 // calibrated; taken off before anything is compared
  std::optional<std::int64_t> measured_ns;      // the median at the least scale, overhead included
  model::Interval interval;                     // meaningful when measured_ns is
  std::optional<model::Regression> regression;  // over the scales; slope and intercept in ns
  // The spread is wider than the tolerance, or the gap is too small to begin with: longer durations would tell.
  bool too_blunt = false;
  // On a refutation the violated condition, in numbers; on an inconclusive verdict why; else empty.
  std::string explanation;
  std::string facts;  // of the last round, where the claim has any

  std::string id() const;  // of the claim, with the scale if it is not 1: "thread_equal@10x"
  // A verdict that contradicts the model's.
  bool contradicts() const;
};

// The verdict rule. Every value less the overhead is compared with the formula at its scale, in units of that scale's
// tolerance; the sign test is of all scales together, with as many outside each side as keep its exact level at two looks. At
// two scales and more the Theil-Sen slope must agree: within the tolerance of the least scale to hold, outside to be refuted.
ClaimResult decide(const Claim& claim, int cores, std::vector<ScaleValues> scales, std::int64_t overhead_ns = 0);
// Of one scale.
ClaimResult decide(const Claim& claim, std::vector<std::int64_t> values_ns, int failed, std::int64_t scale = 1);

// All claims whose cells the rows hold at any whole scale, matched by their factors (durations included, whichever
// distribution gave them), in the order of claims(), then of scales. A formula with rows at a unit, twice and four times the
// unit is one result (of the largest such unit). Warm-ups do not count; a repetition that is there twice counts as it ended
// last. Claims that need evidence are decided from the repetitions that have it.
std::vector<ClaimResult> evaluate_claims(const Rows& rows, const EvidenceOf& evidence = {});
std::vector<ClaimResult> evaluate_claims(std::span<const Sample> samples, const EvidenceOf& evidence = {});

std::string_view to_string(model::Verdict verdict);

}  // namespace harness
