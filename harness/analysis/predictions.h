#pragma once

// What the model says of the cells of an analysed run.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/analysis/analysis.h"
#include "harness/core/sojourns.h"
#include "harness/model/arrivals.h"
#include "harness/model/closed_forms.h"

namespace harness {

struct CellPrediction {
  std::optional<std::int64_t> predicted_ns;
  std::optional<std::int64_t> expected_ns;  // the same on this machine, whose sleeps end late; nothing if that is not known
  model::ClosedForm form;                   // meaningful when predicted_ns is
  // Of cells whose tasks arrive, where the two above are: over the tasks that count (core/sojourns.h); nothing if all those are rejected.
  std::optional<model::SojournSummary> predicted_sojourn, expected_sojourn;
  std::optional<ClientCounts> predicted_counts, expected_counts;  // likewise, over all tasks
  std::string basis;    // where service times came from: "requested", "measured at 1 worker"
  std::string why_not;  // when there is no prediction
};

// One per cell of the analysis, in its order. Tasks or callbacks without a defined service time (a disk's) are given
// the mean one measured where a single worker of the same scenario ran them one after another; without such a cell
// there is no prediction rather than a wrong one. Nor is there one for durations that could not be found again, and for
// workloads that compute when the run's calibration is not known.
std::vector<CellPrediction> predict_cells(const Analysis& analysis);

}  // namespace harness
