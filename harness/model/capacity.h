#pragma once

// The capacity of a case: how many tasks a second it can serve for ever.
//
// Thread safety: pure functions.

#include "harness/model/case.h"

namespace harness::model {

// The largest throughput of a case whose tasks come again and again, per second: the least of what each of its servers can do.
//   workers      k over the mean time for which a task holds one: its dispatch, its service and, under `worker` and `fused`, its callback
//   callbacks    one thread's, over the mean callback: `main`, `collect`, `as_completed`; m parsers': `extra`
//   cores        P over the mean of what task and callback compute; a lock, 1 over what they compute under it
//   submitting   1 over the cost of a submit; routing likewise
// Of an event loop a task holds none of its L threads while it waits: they serve what is computed, and B in flight bound the whole.
// Infinite where nothing takes any time. Tasks that arrive and batches have the same one. REQUIRES: check(c) does not throw.
double capacity_per_s(const Case& c);

}  // namespace harness::model
