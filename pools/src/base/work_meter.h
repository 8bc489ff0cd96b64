#pragma once

// Adds up what the workers of a pool have done between two looks at them.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <unordered_map>

#include "pools/metrics.h"
#include "pools/src/base/run_times.h"
#include "pools/src/base/self_size.h"

namespace pools::detail {

// For one thread. A look is begin(), add() for each worker, end(). A worker counts from the second look at it on.
class WorkMeter {
 public:
  using Clock = std::chrono::steady_clock;

  void begin(Clock::time_point now) noexcept;
  // For how long since the last look: what worker `id` has been with tasks, in all.
  void add(pid_t id, std::chrono::nanoseconds busy_in_all, const RunTimes& times);
  // The same where it is only known whether it is with a task now: the look is a random one.
  void add(pid_t id, bool is_busy, const RunTimes& times);
  // So many more have been with tasks since the last look, which began before anything was measured.
  void add_unmeasured(int workers) noexcept { sample_.busy += workers * sample_.length; }
  // tasks: what the pool says of them by now. The first sample is of length 0.
  WorkSample end(const PoolMetrics& tasks);

  // Since the first look.
  std::chrono::nanoseconds waited() const noexcept { return waited_; }
  std::chrono::nanoseconds computed() const noexcept { return computed_; }

 private:
  struct Seen {
    std::chrono::nanoseconds busy{0};
    RunTimes times;
    std::uint64_t look = 0;
  };

  Clock::time_point last_{};
  std::uint64_t look_ = 0;
  std::uint64_t ended_ = 0;
  WorkSample sample_;
  std::unordered_map<pid_t, Seen> seen_;
  std::chrono::nanoseconds waited_{0};
  std::chrono::nanoseconds computed_{0};
};

}  // namespace pools::detail
