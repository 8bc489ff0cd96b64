// A process pool that sizes itself: what its thread for that asks of the pool.

#include <sys/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "pools/src/base/mutex.h"
#include "pools/src/base/run_times.h"
#include "pools/src/base/worker_count.h"
#include "pools/src/process/process_pool_core.h"

namespace pools::detail {

void ProcessPoolCore::resize_itself(const SelfSizing& bounds) {
  require_own_process();
  const int size = first_size(bounds);
  cores_.instead(
      [&] {
        sizer_.stop();
        set_size(size);
      },
      [&] { sizer_.start(bounds, size); });
}

// Or waits for a worker that is being started, or for its retry. Where the pool is paused nobody begins one.
bool ProcessPoolCore::has_task() {
  const Lock lock(state_.mutex);
  if (!state_.paused && !state_.backlog.nothing_left()) return true;
  const auto& live = state_.fleet.live();
  return std::any_of(live.begin(), live.end(), [](const WorkerRef& worker) { return worker->tasks() > 0; });
}

void ProcessPoolCore::measure(WorkMeter& meter) {
  std::vector<std::pair<pid_t, bool>> workers;
  {
    const Lock lock(state_.mutex);
    workers.reserve(state_.fleet.live().size());
    for (const WorkerRef& worker : state_.fleet.live()) {
      if (worker->phase == WorkerProcess::Phase::ready) workers.emplace_back(worker->pid(), worker->tasks() > 0);
    }
  }
  for (const auto& [process, is_busy] : workers) {
    // One that has died meanwhile, and whose number is another's by now, is out of the pool at the next look.
    RunTimes times;
    if (run_times_of_process(process, times)) meter.add(process, is_busy, times);
  }
}

}  // namespace pools::detail
