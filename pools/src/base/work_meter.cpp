#include "pools/src/base/work_meter.h"

#include <algorithm>

namespace pools::detail {

void WorkMeter::begin(Clock::time_point now) noexcept {
  sample_ = {};
  if (look_++ > 0) sample_.length = now - last_;
  last_ = now;
}

void WorkMeter::add(pid_t id, std::chrono::nanoseconds busy_in_all, const RunTimes& times) {
  const auto [at, is_new] = seen_.try_emplace(id);
  Seen& seen = at->second;
  RunTimes told = times;
  // The kernel gives the numbers of those who have ended to others, whose clocks begin anew.
  if (!is_new && times.computed >= seen.times.computed) {
    sample_.busy += busy_in_all - seen.busy;
    sample_.computed += times.computed - seen.times.computed;
    // It is not told for a moment where there are no descriptors left.
    told.delayed = std::max(told.delayed, seen.times.delayed);
    sample_.delayed += told.delayed - seen.times.delayed;
  }
  seen = {.busy = busy_in_all, .times = told, .look = look_};
}

void WorkMeter::add(pid_t id, bool is_busy, const RunTimes& times) {
  const auto at = seen_.find(id);
  const auto before = at == seen_.end() ? std::chrono::nanoseconds(0) : at->second.busy;
  add(id, before + (is_busy ? sample_.length : std::chrono::nanoseconds(0)), times);
}

WorkSample WorkMeter::end(const PoolMetrics& tasks) {
  std::erase_if(seen_, [this](const auto& entry) { return entry.second.look != look_; });
  const std::uint64_t ended = tasks.done + tasks.failed;
  if (look_ > 1) sample_.ended = ended - ended_;
  ended_ = ended;
  sample_.running = static_cast<int>(tasks.running);
  sample_.queued = tasks.queued;
  waited_ += std::max(std::chrono::nanoseconds(0), sample_.busy - sample_.computed - sample_.delayed);
  computed_ += sample_.computed;
  return sample_;
}

}  // namespace pools::detail
