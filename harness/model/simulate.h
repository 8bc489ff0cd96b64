#pragma once

// The exact simulation of a Case, event by event.
//
// Ties are broken the same way everywhere: tasks that finish at the same instant count as finished in submission order;
// a server that becomes free at the instant a job becomes ready takes it at that instant; among idle workers the one
// that has been idle longest takes the next job, the lowest number first (with shared cores: that of the lowest task).
// With one callback server the order of callbacks never changes the makespan.
//
// Thread safety: pure functions.

#include <cstdint>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

// Throws as check(). Exact to the nanosecond unless computing demands share cores or a lock (see shared_cores.h).
// O(n log n) time, O(n) memory.
Prediction simulate(const Case& c);

// Stage 1 alone: when each task ends, submission order, whatever its callback does afterwards. Throws as check().
std::vector<std::int64_t> finish_times(const Case& c);

// Whether demands of this case can slow each other down: some compute, on cores or under a lock that may be short.
bool shares_cores(const Case& c);

}  // namespace harness::model
