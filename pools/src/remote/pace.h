#pragma once

// How many tasks a host is permitted to begin at a time. As many as it has workers, so that no more than runs is lost with it; but where
// tasks are short its workers would idle while an answer and the next permission travel: then as many more as run in that time.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pools::detail {

// Not thread-safe.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int kDeepest = 128;  // tasks per worker

  // `answers` have come since the last call. `busy`: all workers had something to do in between.
  void answered(int answers, Clock::time_point now, bool busy, int workers) noexcept {
    const std::int64_t since = std::chrono::nanoseconds(now - last_).count();
    last_ = now;
    if (!busy || answers <= 0) return;
    const std::int64_t each = std::max<std::int64_t>(1, since * workers / answers);
    // Sooner to what is long than to what is short: what is permitted meanwhile is lost with the host.
    task_ns_ = task_ns_ == 0 ? each : each > task_ns_ ? (task_ns_ + each) / 2 : (task_ns_ * 3 + each) / 4;
  }

  int depth(std::chrono::nanoseconds round_trip) const noexcept {
    if (task_ns_ == 0) return 1;
    const std::int64_t trip = std::max<std::int64_t>(round_trip.count(), 1000);
    if (task_ns_ >= kLong * trip) return 1;
    return static_cast<int>(std::min<std::int64_t>(kDeepest, 2 + 3 * trip / task_ns_));
  }
  std::chrono::nanoseconds task_time() const noexcept { return std::chrono::nanoseconds(task_ns_); }

 private:
  static constexpr std::int64_t kLong = 20;  // round trips: the idle time is 5 % then
  Clock::time_point last_{};
  std::int64_t task_ns_ = 0;  // a worker's time per task, smoothed; 0: unknown
};

}  // namespace pools::detail
