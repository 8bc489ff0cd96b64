#pragma once

// When tasks come: a text of a suite or the command line -> a time per task.
//
// Thread safety: pure functions, but for `trace:`, which reads the named file.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/model/case.h"

namespace harness {

// One of
//   "0ms,10ms,10ms,1.5s"   the times themselves, non-decreasing, one per task (repeats as in "8x0ms,1s")
//   "constant:300/s"       one every 1/300 s, the first at 0
//   "poisson:300/s"        gaps drawn from an exponential distribution of mean 1/300 s, by `seed`; the first gap comes before the first task
//   "burst:50@1s"          50 at once every second, the first at 0
//   "trace:FILE"           one time a line; empty lines and those that begin with '#' do not count
// Rates are per ms, s, min or h, from 1/h to 10^9/s. Times are ns from the origin of the arrivals.
//
// Throws ConfigError: anything else (with what is allowed), times that go backwards, another number of them than tasks, a file that cannot be
// read. REQUIRES: tasks >= 1.
std::vector<std::int64_t> arrival_times(std::string_view text, int tasks, std::uint64_t seed);

// Throws ConfigError for what can be no arrivals of any cell; "closed" can. Files and lists are looked at when a cell is made of them.
void require_arrivals(std::string_view arrivals);

// Whether it names a file, whose times nobody can draw again: "trace:FILE".
bool is_trace(std::string_view arrivals);

// Whether the rate is a share of what the model says can be served: by the cell ("poisson:0.8*capacity", "constant:capacity"), or by its cores with
// any number of workers ("poisson:0.6*cores"), which is the same for cells that differ in their workers only.
bool needs_capacity(std::string_view arrivals);

// Per second, what such a rate is a share of. REQUIRES: needs_capacity.
double capacity_meant(std::string_view arrivals, const model::Case& c);

// The one form of all texts with one meaning: constant and poisson with a rate per second, "poisson:300/s", in which a share of `capacity_per_s` has
// become a number; all others as they are. Throws ConfigError: a rate that there is none, a capacity that is needed and infinite.
std::string canonical_arrivals(std::string_view arrivals, double capacity_per_s);

// What one thread can release: a submit takes about 1 us.
inline constexpr double kMostReleasedPerS = 1e6;
// Throws ConfigError for a constant or poisson rate beyond that. REQUIRES: canonical.
void require_releasable(std::string_view arrivals);

// How many tasks come before `duration`: of a constant rate or of poisson rate * duration, whatever is drawn; of bursts those that begin before it.
// Throws ConfigError as arrival_times(), for a duration that yields no task or more than kMostItems, and for lists and traces, which say themselves
// how many there are. REQUIRES: canonical.
int tasks_within(std::string_view arrivals, std::chrono::nanoseconds duration);

// "300/s" -> 300. Throws ConfigError.
double parse_rate_per_s(std::string_view text);

}  // namespace harness
