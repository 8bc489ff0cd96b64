#pragma once

// The first runs: what a task demands, seen one at a time, and what running several at a time costs beyond that.
//
// Thread safety: one call at a time.

#include <string>
#include <vector>

#include "harness/recommend/profile.h"
#include "harness/recommend/trials.h"

namespace harness::recommend {

// Takes a quarter of the budget, if a task is not too long for that. What makes the profile less sure is added to `notes`; `callback` is set to
// what one demands where only running it tells. Throws as Trials::run.
Profile profile_by_running(const Question& question, Trials& trials, std::vector<std::string>& notes, model::Demand& callback);

}  // namespace harness::recommend
