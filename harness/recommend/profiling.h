#pragma once

// The first runs: what a task demands, seen one at a time, and what running several at a time costs beyond that.
//
// Thread safety: one call at a time.

#include <functional>

#include "harness/recommend/records.h"
#include "harness/recommend/trials.h"

namespace harness::recommend {

// What the records have of them, or the runs: they take a quarter of the budget, if a task is not too long for that. What makes the profile less
// sure is in `notes`; `callback` is what one demands, where only running it tells. Then `choose`, which is given all that, sets what is to be run.
// The records keep it; they may be nullptr. Throws as Trials::run.
FirstRuns first_runs(const Question& question, Trials& trials, Records* records, const std::function<void(FirstRuns&)>& choose);

}  // namespace harness::recommend
