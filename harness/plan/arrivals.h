#pragma once

// When tasks come: a text of the command line -> a time per task.
//
// Thread safety: pure functions, but for `trace:`, which reads the named file.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// "300/s" -> 300. Throws ConfigError.
double parse_rate_per_s(std::string_view text);

}  // namespace harness
