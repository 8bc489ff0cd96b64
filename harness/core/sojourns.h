#pragma once

// How long each client was there, in a trace of tasks that arrived: from the intended arrival to the end of the callback (without one, of the
// task). So what the generator was late by is part of it, and nobody who waited is left out because the system was slow to take him.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/cell.h"
#include "harness/core/sample.h"
#include "harness/core/trace.h"

namespace harness {

bool has_arrivals(const Trace& trace);

// Percentiles are over the tasks from this one on, rejected ones left out: the first tenth finds a system that is still empty. Fixed beforehand,
// and the same for the model.
std::size_t first_counted(std::size_t tasks);

// Of each task, in submission order; kNoStamp of one that was rejected. REQUIRES: has_arrivals.
std::vector<std::int64_t> sojourns_ns(const Trace& trace);

// The ceil(permille * n / 1000)-th smallest. Sorts `values`; zero if there are none. REQUIRES: 1 <= permille <= 1000.
std::int64_t nearest_rank(std::vector<std::int64_t>& values, std::size_t permille);

// How many were there for longer than the deadline, which are served all the same; of those that were rejected nobody knows. 0 without a deadline.
std::int64_t late_by_deadline(std::span<const std::int64_t> sojourns_ns, std::int64_t deadline_ns);

// Of all clients of one repetition, those who got nothing and those who got it after the deadline.
struct ClientCounts {
  std::int64_t rejected = 0;
  std::int64_t late_by_deadline = 0;
};
// Of sojourns as the model has them: model::kNever of who was rejected.
ClientCounts counts_of_clients(std::span<const std::int64_t> sojourns_ns, std::int64_t deadline_ns);

// Fills in what Measures has of arrivals. REQUIRES: has_arrivals; every task has ended or was rejected.
void measure_arrivals(const Trace& trace, std::int64_t deadline_ns, Measures& measures);

// How late 99 % of the releases may be at most: 1 ms or, if that is more, a tenth of what a task with its callback is asked to take in the mean.
std::int64_t most_release_lag_ns(const Cell& cell);

// What is wrong with a repetition whose generator was later than that, in one line that starts with kReleasedLate; empty if it was not, and for a
// batch. A CPU quota stops who releases and who serves alike: so long as it did, nobody would have been served earlier, and so much later the
// generator may be.
inline constexpr std::string_view kReleasedLate = "tasks were released too late";
std::string late_releases(const Trace& trace, const Cell& cell);

}  // namespace harness
