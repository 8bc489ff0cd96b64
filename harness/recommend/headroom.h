#pragma once

// Up to which rate a size holds, what keeps it from more, and what bounded queues make of more.
//
// Not thread-safe.

#include "harness/recommend/serve.h"
#include "harness/recommend/visits.h"

namespace harness::recommend {

// Fills in what `found` has of that: of its choice, or where nothing keeps the bounds of what serves the largest rate within them. Repetitions are run
// while the budget has room. REQUIRES: profile, batch, chosen and kept are known. Throws as Visits::add_run.
void find_headroom(const Question& question, const Objective& objective, const Trials& trials, Visits& visits, Serving& found);

}  // namespace harness::recommend
