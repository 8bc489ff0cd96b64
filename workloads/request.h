#pragma once

// From durations to units of computation and back, and the bounds of what a request asks for: shared by the workloads.
// Pure functions, any thread.

#include <cstdint>
#include <string_view>

#include "workloads/work.h"

namespace workloads {

// Units that keep an idle core busy for duration_ns; rounded, at most the largest std::int64_t.
// REQUIRES: duration_ns >= 0. Throws std::invalid_argument if a duration is asked of a rate that is not positive.
std::int64_t units_for(std::int64_t duration_ns, double units_per_ns);

// The inverse: 0 units take 0 ns, whatever the rate.
std::int64_t duration_of(std::int64_t units, double units_per_ns);

// The longest delay that a server is asked for, and grants: a day. What asks for more is a mistake.
inline constexpr std::int64_t kLongestDelayNs = std::int64_t{86'400} * 1'000'000'000;

// The request's duration as a server's delay, ns. Throws std::invalid_argument (one line with the value and what is
// allowed) beyond kLongestDelayNs.
std::int64_t delay_of(const Request& request, std::string_view workload);

// The request's payload, or the workload's default where it names none. Throws std::invalid_argument (one line with the
// value and what is allowed) outside [least, most].
std::int64_t payload_of(const Request& request, std::string_view workload, std::int64_t otherwise, std::int64_t least,
                        std::int64_t most);

}  // namespace workloads
