#pragma once

// What a thread that runs the jobs of a thread pool has counted.

#include <atomic>
#include <cstdint>
#include <memory>

#include "pools/metrics.h"

namespace pools::detail {

struct Latencies {
  LatencyRecorder queue_wait;
  LatencyRecorder run_time;
};

// The counts of one thread that runs jobs, written by it alone: plain stores. (The one for submitters that run their own jobs,
// of which there may be several at a time, is written by read-modify-writes.)
// Release in the writers, acquire in metrics(): who reads that a job ended also reads that it was started, and submitted.
struct Tally {
  std::atomic<std::uint64_t> started{0};
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> failed{0};
  std::unique_ptr<Latencies> latencies;  // with timing only; constant once shared
};

}  // namespace pools::detail
