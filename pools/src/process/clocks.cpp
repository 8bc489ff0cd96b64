#include "pools/src/process/clocks.h"

#include <algorithm>
#include <csignal>
#include <exception>
#include <utility>
#include <vector>

#include "pools/detail/futex.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/oom_kills.h"

namespace pools::detail {

using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

bool Clocks::take_back_unbegun(Clock::time_point now) noexcept {
  bool taken = false;
  for (const WorkerRef& worker : pool_.fleet.live()) {
    if (!worker->keeps_waiting() || worker->condemned() || worker->terminated) continue;
    const auto silent = now - worker->progress;
    if (!worker->unheard && silent >= std::min<Clock::duration>(worker->patience, pool_.options.grace)) {
      worker->unheard = true;
      worker->depth = 1;
      worker->patience = std::min<Clock::duration>(worker->patience * 2, pool_.options.grace);
      pool_.take_back(*worker);
      taken = true;
    }
    if (silent >= pool_.options.grace) terminate(*worker, KillReason::silence);
  }
  return taken;
}

void Clocks::terminate(WorkerProcess& worker, KillReason kill_reason) noexcept {
  worker.terminated = true;
  worker.kill_reason = kill_reason;
  worker.child().kill_group(SIGTERM);
  worker.child().kill(SIGTERM);
  worker.due = deadline_after(pool_.options.kill_gap);
}

bool Clocks::any_busy() const noexcept {
  const std::vector<WorkerRef>& live = pool_.fleet.live();
  return std::any_of(live.begin(), live.end(), [](const WorkerRef& worker) { return worker->given() > 0; });
}

void Clocks::look_at_kills_for_memory(Clock::time_point now) noexcept {
  next_kills_ = now + OomLedger::kPeriod;
  try {
    for (const WorkerRef& worker : pool_.live()) OomLedger::of_this_process().look(worker->oom_kills(), now);
  } catch (const std::exception&) {  // there is no memory for it now
  }
}

void Clocks::look() {
  bool busy = false;
  bool came_back = false;  // tasks
  bool starts_again = false;
  const auto now = Clock::now();
  {
    const Lock lock(pool_.mutex);
    pool_.unwatched = false;
    for (const WorkerRef& worker : pool_.fleet.live()) {
      if (!worker->due || *worker->due > now) continue;
      if (!worker->terminated) {
        terminate(*worker, worker->phase == Phase::stopping ? KillReason::silence : KillReason::time_limit);
      } else {
        worker->child().kill_group(SIGKILL);
        worker->child().kill(SIGKILL);
        worker->due.reset();
      }
    }
    if (now >= next_watch_) {
      came_back = take_back_unbegun(now);
      next_watch_ = now + WorkerProcess::kFirstPatience / 2;
    }
    came_back |= pool_.backlog.requeue_due(now);
    starts_again = pool_.fleet.start_again_if_due(now);
    if (starts_again) breaker_.starts_count_anew();
    busy = now >= next_kills_ && any_busy();
  }
  if (busy) look_at_kills_for_memory(now);
  for (const WorkerRef& worker : pool_.live()) {  // without the mutex: it takes a walk over all processes
    if (!worker->terminated || std::exchange(worker->descendants_terminated, true)) continue;
    signal_descendants(worker->mark(), SIGTERM, worker->pid());
  }
  if (starts_again) pool_.notify();  // start_all() may go on
  if (starts_again || came_back) starter_.start_needed();
  if (came_back) {
    supply_.supply_idle();
    supply_.stop_idle_workers();
  }
}

std::optional<Clocks::Clock::time_point> Clocks::next_due() {
  const Lock lock(pool_.mutex);
  std::optional<Clock::time_point> next = pool_.fleet.starts_again();
  const auto consider = [&next](Clock::time_point due) {
    if (!next || due < *next) next = due;
  };
  bool waits = false;  // for a worker to begin what it was given
  for (const WorkerRef& worker : pool_.fleet.live()) {
    if (worker->due) consider(*worker->due);
    if (worker->terminated || !worker->keeps_waiting()) continue;
    waits = true;
    const auto silence = worker->unheard ? pool_.options.grace : std::min<Clock::duration>(worker->patience, pool_.options.grace);
    if (silence < Clock::time_point::max() - worker->progress) consider(std::max(worker->progress + silence, next_watch_));
  }
  if (any_busy()) consider(next_kills_);
  pool_.backlog.for_each_retry([&](const RemoteTask& task) { consider(task.retry_due); });
  pool_.unwatched = !waits;
  if (pool_.unwatched) pool_.watch_timer.disarm();  // for tasks that have been begun
  return next;
}

}  // namespace pools::detail
