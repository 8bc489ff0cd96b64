#pragma once

#include <cstdint>

namespace workloads {

// Sleeps until CLOCK_MONOTONIC shows deadline_ns or later; at once when it does already. Signals do not shorten it, and
// a late start does not lengthen it: the deadline is absolute. The calling thread's timer slack becomes 1 ns, so that
// the kernel does not round the deadline up by its default 50 us. Any thread.
void sleep_until_ns(std::int64_t deadline_ns);

// The deadline `wait_ns` from now, at most the end of time. REQUIRES: wait_ns >= 0.
std::int64_t deadline_after_ns(std::int64_t wait_ns);

// CPU time of the calling thread, ns.
std::int64_t thread_cpu_ns();

}  // namespace workloads
