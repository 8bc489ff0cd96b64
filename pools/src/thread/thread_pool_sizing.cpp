// A thread pool that sizes itself: what its thread for that asks of the pool.

#include <algorithm>
#include <vector>

#include "pools/src/base/mutex.h"
#include "pools/src/base/run_times.h"
#include "pools/src/base/worker_count.h"
#include "pools/src/thread/thread_pool_core.h"

namespace pools::detail {

void ThreadPoolCore::open() {
  if (!options_.workers.bounds()) return;
  measures_.store(true, std::memory_order_relaxed);
  sizer_.start(*options_.workers.bounds(), workers());
}

void ThreadPoolCore::resize_itself(const SelfSizing& bounds) {
  require_own_process();
  const int size = first_size(bounds);
  cores_.instead(
      [&] {
        sizer_.stop();
        measures_.store(true,
                        std::memory_order_relaxed);  // before workers come: else they might begin tasks that nobody measures
        set_size(size);
      },
      [&] {
        unmeasured_ = static_cast<int>(task_metrics().running);
        sizer_.start(bounds, size);
      });
}

void ThreadPoolCore::run_measured(Job& job, Slot& slot) noexcept {
  slot.clock.begin(WorkClock::Clock::now());
  sizer_.task_began();
  job.run(slot.worker);
  slot.clock.end(WorkClock::Clock::now());
}

// Tasks that had begun before anything was measured count, too: those that wait behind them may need more workers.
bool ThreadPoolCore::has_task() const {
  if (task_metrics().running > 0) return true;
  const Lock lock(mutex_);
  return std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) { return slot->clock.runs(); });
}

void ThreadPoolCore::measure(WorkMeter& meter) {
  std::vector<const WorkClock*> clocks;
  {
    const Lock lock(mutex_);
    clocks.reserve(slots_.size());
    for (const auto& slot : slots_) clocks.push_back(&slot->clock);  // which live as long as the pool
  }
  int measured = 0;
  for (const WorkClock* const clock : clocks) {
    const pid_t thread = clock->thread();
    if (clock->runs()) ++measured;
    RunTimes times;
    if (thread == 0 || !run_times_of_thread(thread, times)) continue;
    meter.add(thread, clock->busy(WorkClock::Clock::now()), times);
  }
  unmeasured_ = std::clamp(static_cast<int>(task_metrics().running) - measured, 0, unmeasured_);
  meter.add_unmeasured(unmeasured_);
}

}  // namespace pools::detail
