#pragma once

// Tasks that come over time, and how long each is there: from its intended arrival to its end.
//
// Thread safety: pure functions.

#include <cstdint>
#include <vector>

#include "harness/model/case.h"

namespace harness::model {

// Consecutive tasks per job: those of a chunk of `map`, else one.
std::size_t tasks_per_job(const Case& c);

// When each job has been submitted and may start. One thread submits, in order, and each submit takes it submit_ns: job i (from 1) of a batch is
// there at i*d, one that arrives at a_i at max(a_i, the submit before) + d.
std::vector<std::int64_t> submitted_ns(const Case& c);

// When each job is where its worker is and may start: submitted, and carried there if there is a hop.
std::vector<std::int64_t> arrived_ns(const Case& c);

// Of each task: from its arrival (in a batch 0) to its callback's end, with `none` to its own; kNever of one that was rejected. Submission order.
std::vector<std::int64_t> sojourns_ns(const Case& c, const Prediction& prediction);

// The ceil(q*n)-th smallest (nearest rank), so that a percentile is a value that somebody met with. REQUIRES: sorted, not empty, 0 < q <= 1.
std::int64_t nearest_rank(const std::vector<std::int64_t>& sorted, double q);

struct SojournSummary {
  std::int64_t mean_ns = 0;  // rounded to the nearest ns
  std::int64_t p50_ns = 0;
  std::int64_t p95_ns = 0;
  std::int64_t p99_ns = 0;
  std::int64_t max_ns = 0;
  std::int64_t p999_ns = 0;
};
// Of those that were served. REQUIRES: one was; none of them is negative.
SojournSummary summarise_sojourns(std::vector<std::int64_t> sojourns_ns);
SojournSummary summarise_sojourns(const Case& c, const Prediction& prediction);

}  // namespace harness::model
