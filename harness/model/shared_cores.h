#pragma once

// Processor sharing: demands that compute share P cores, and those marked `locked` take turns under one lock besides.
//
// With a unlocked demands computing and b locked ones, the lock's holder counts as one: each of the a + [b > 0] runs at
// rate r = min(1, P / (a + [b > 0])), and each locked demand at r / b (the lock is handed over often enough to be
// shared evenly). b > 0, a = 0 is processor sharing with P = 1: a GIL.
//
// Arithmetic: rates are ratios of small integers, but event times would need ever larger denominators. So times and
// attained service are kept in units of 2^-32 ns in 128-bit integers; each event rounds by at most one such unit, so a
// result is within (number of events) * 2^-32 ns of the exact rational one before it is rounded to the nearest ns.
// While nobody computes more than P at a time, nothing rounds and results are exact. Demands whose exact finishing
// times differ by less than that bound may be taken in either order; of exact ties the lowest task goes first, and its
// worker takes the next job.

#include "harness/model/case.h"

namespace harness::model {

// Every strategy; agrees with schedule_lists() where nothing is shared. O(n log n). REQUIRES: check(c) passed,
// !c.serial, c.strategy != sync, !c.coupled.
Prediction share_cores(const Case& c);

}  // namespace harness::model
