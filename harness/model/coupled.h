#pragma once

// A process pool whose callbacks run on the thread that dispatches, as CPython's does: one manager thread loops over
// {fill the call queue of k+1 slots; wait for one result; run its callback}. A worker that takes a job frees its slot,
// but the slot is filled only between callbacks, so slow callbacks starve idle workers.
//
// The workers are taken to start after the first fill (CPython starts them on demand): k+1 jobs are in flight until the
// first callback ends.

#include "harness/model/case.h"

namespace harness::model {

// REQUIRES: check(c) passed, c.coupled. Computing demands are taken to have a core each. Submit overhead is ignored:
// all jobs of a batch are pending before the first fill.
Prediction simulate_coupled(const Case& c);

}  // namespace harness::model
