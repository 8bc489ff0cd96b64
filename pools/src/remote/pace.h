#pragma once

// How many tasks a host is permitted to begin at a time. As many as it has workers, so that no more than runs is lost with it; but where
// tasks are short its workers would idle while an answer and the next permission travel: then more (permitted_per_worker).
//
// What is measured is a worker's time per task, which at first is the latency of all that lies between: with twice as many permitted it seems
// half as long, and so on, until it is the tasks' own.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "pools/remote_pool.h"

namespace pools::detail {

// Not thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  // From now on all workers have something to do.
  void busy_from(Clock::time_point now) noexcept { last_ = now; }
  // `answers` have come since that or the last call, all workers having had something to do meanwhile. REQUIRES: answers > 0.
  void answered(int answers, Clock::time_point now, int workers) noexcept {
    const std::int64_t each = std::max<std::int64_t>(1, std::chrono::nanoseconds(now - last_).count() * workers / answers);
    last_ = now;
    task_ns_ = task_ns_ == 0 ? each : (task_ns_ + each) / 2;
  }

  int depth(std::chrono::nanoseconds round_trip) const noexcept {
    if (task_ns_ == 0) return 1;
    return permitted_per_worker(task_time(), round_trip);
  }
  std::chrono::nanoseconds task_time() const noexcept { return std::chrono::nanoseconds(task_ns_); }

 private:
  Clock::time_point last_{};
  std::int64_t task_ns_ = 0;  // smoothed; 0: unknown
};

}  // namespace pools::detail
