#pragma once

// Stamps of several machines, put on one clock: a task on another host is stamped there, by that host's CLOCK_MONOTONIC, and the rest of its
// trace here. Numbers only; ns.
//
// A host's clock is known from readings: at that instant here it was ahead by `offset`, right but for `bound`. Between readings the offset is
// interpolated, so that what followed on one host still follows. Within the bound a host's stamps are moved together, as little as does so that
// no task starts before it was submitted or ends after its answer was here: each task says something about the clock, too. What no move
// within the bound makes possible is no measurement.
//
// Thread safety: pure functions, and a class for one thread at a time.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/core/trace.h"

namespace harness {

struct ClockReading {
  std::int64_t at_ns = 0;      // here
  std::int64_t offset_ns = 0;  // there minus here
  std::int64_t bound_ns = 0;
};

// Of one host.
class ClockHistory {
 public:
  // In the order of their instants. Of those that follow each other within a quarter of a second the most exact is kept.
  void add(const ClockReading& reading);
  bool empty() const { return readings_.empty(); }
  // When its clock said so; offset and bound. REQUIRES: !empty().
  ClockReading when_it_was(std::int64_t there_ns) const;

 private:
  std::vector<ClockReading> readings_;
};

// By TaskTrace::host.
using ClockHistories = std::map<std::uint64_t, ClockHistory>;

// All stamps of the trace are of this machine's clock then. Returns why they cannot be, in one line; empty: they are.
std::string put_on_one_clock(Trace& trace, const ClockHistories& clocks);

}  // namespace harness
