#include "pools/src/process/supply.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fstream>
#include <new>
#include <string>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/ipc/shared_memory.h"
#include "pools/src/process/words.h"

namespace pools::detail {

using Clock = std::chrono::steady_clock;
using Phase = WorkerProcess::Phase;
using KillReason = WorkerProcess::KillReason;

namespace {

bool travels_alone(const RemoteTask& task) noexcept {
  return task.has_extras() != nullptr || task.is_suspect() || WorkerProcess::has_attachments(task);
}

// In a worker's ring, at most.
std::size_t space_for(RemoteTask& task) noexcept { return task.message().view().size() + Message::kAlignment; }

}  // namespace

bool Supply::may_give(const WorkerProcess& worker) const noexcept {
  return !pool_.paused && worker.phase == Phase::ready && !worker.condemned() && worker.kill_reason == KillReason::none &&
         pool_.fleet.living() <= pool_.fleet.target() &&
         (pool_.options.max_tasks_per_child == 0 || worker.tasks_given < pool_.options.max_tasks_per_child);
}

bool Supply::over_memory(const WorkerProcess& worker) const noexcept {
  try {
    // The second field of statm: resident pages.
    std::ifstream statm("/proc/" + std::to_string(worker.pid()) + "/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    return statm >> size >> resident &&
           resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) > pool_.options.recycle_above;
  } catch (const std::bad_alloc&) {
    return false;  // after the next task, then
  }
}

bool Supply::supply(const WorkerRef& worker) {
  const bool recycle = pool_.options.recycle_above > 0 && worker->tasks_answered > 0 && over_memory(*worker);
  bool something = false;
  // Ended with no lock held, also if this throws.
  struct Quarantined {
    ~Quarantined() {
      while (!tasks.empty()) supply.end_in_quarantine(*tasks.pop_front());
    }
    Supply& supply;
    TaskList tasks;
  } quarantined{*this, {}};
  const Lock lock(pool_.mutex);
  Backlog& backlog = pool_.backlog;
  if (recycle) worker->tasks_given = INT_MAX / 2;
  if (worker->phase != Phase::ready || worker->condemned() || worker->unsent()) return false;
  const bool spent = recycle || !may_give(*worker);
  // A share of the queue, lest one worker takes what another could begin at once.
  const std::size_t share = std::max<std::size_t>(1, backlog.size() / (2 * pool_.fleet.live().size()));
  std::size_t wanted = std::min(worker->depth, worker->given() + share);
  while (!spent && !backlog.empty() && worker->given() < wanted && may_give(*worker)) {
    RemoteTask& next = backlog.front();
    const bool plain = !travels_alone(next);
    const std::size_t room =
        worker->given() > 0 ? worker->channel().room() : ~std::size_t{0};  // throws before there is a task to be lost
    if (worker->given() > 0 && (!plain || space_for(next) > room)) break;
    TaskRef task = backlog.pop();
    if (!task) break;
    if (task->belongs_in_quarantine(pool_.options.quarantine_after)) {
      backlog.give_permit_back(*task);
      pool_.events.answering_begins();
      quarantined.tasks.push_back(std::move(task));
      continue;
    }
    const bool alone = travels_alone(*task);
    if (worker->given() > 0 && (alone || space_for(*task) > room)) {  // what was looked at had been cancelled
      backlog.put_back(std::move(task));
      break;
    }
    if (!pool_.give(worker, std::move(task))) continue;
    worker->has_several |= worker->given() > 1;
    something |= worker->send_some();
    if (alone || worker->unsent()) wanted = 0;
  }
  if (worker->given() > 0) return something;
  if (worker->kill_reason == KillReason::time_limit || worker->kill_reason == KillReason::silence) {
    // It answered after its SIGTERM: the answer counted, but who knows what the signal has left of it.
    worker->child().kill_group(SIGKILL);
    worker->child().kill(SIGKILL);
    return something;
  }
  if (recycle || (pool_.options.max_tasks_per_child > 0 && worker->tasks_given >= pool_.options.max_tasks_per_child)) {
    dismiss(*worker);
    return true;
  }
  pool_.fleet.make_idle(worker);
  backlog.worker_idles();
  return something;
}

void Supply::supply_idle() noexcept {
  for (std::size_t left = SIZE_MAX; left > 0;) {
    WorkerRef worker;
    {
      const Lock lock(pool_.mutex);
      left = std::min(left, pool_.fleet.idle().size());  // from the last one, each once
      if (pool_.paused || pool_.backlog.empty() || left == 0) return;
      worker = pool_.fleet.take_idle(--left);
    }
    try {
      if (supply(worker)) worker->channel().ring();
    } catch (const std::exception& error) {
      condemn(*worker, error.what());
    }
  }
}

void Supply::permit_came_back() noexcept {
  {
    const Lock lock(pool_.mutex);
    if (pool_.backlog.empty()) return;
  }
  supply_idle();
  starter_.start_needed();
}

bool Supply::rebalance() noexcept {
  if (!pool_.prefetches) return false;
  const std::vector<WorkerRef>& live = pool_.live();
  if (std::none_of(live.begin(), live.end(), [](const WorkerRef& worker) { return worker->has_several; })) return false;
  bool again = false;
  bool taken = false;
  {
    const Lock lock(pool_.mutex);
    for (const WorkerRef& worker : live) {
      if (!worker->has_several) continue;
      if (worker->given() < 2) {
        worker->has_several = false;
        continue;
      }
      if (Clock::now() - worker->progress < WorkerProcess::kStuck) {
        again = true;
        continue;
      }
      worker->depth = 1;
      pool_.take_back(*worker);
      taken = true;
    }
  }
  if (taken) supply_idle();
  return again || taken;
}

void Supply::stop_idle_workers() noexcept {
  for (;;) {
    WorkerRef worker;
    {
      const Lock lock(pool_.mutex);
      worker = pool_.fleet.next_to_go(pool_.seen_closing && pool_.backlog.nothing_left());
      if (!worker) return;
      dismiss(*worker);
    }
    worker->channel().ring();
  }
}

void Supply::dismiss(WorkerProcess& worker) noexcept {
  pool_.fleet.told_to_go(worker);
  worker.due = deadline_after(pool_.options.grace);
  if (worker.condemned() || worker.unsent()) return;  // it does not read: its grace will end it
  try {
    worker.load_stop();
    worker.send_some();
  } catch (const std::exception& error) {
    worker.condemn(error.what());
  }
}

void Supply::adjust() noexcept {
  supply_idle();
  starter_.start_needed();
  stop_idle_workers();
}

void Supply::end_refused() noexcept {
  for (;;) {
    TaskRef task;
    {
      const Lock lock(pool_.mutex);
      if (pool_.refused.empty()) return;
      task = pool_.refused.pop_front();
    }
    if (pool_.events.claim(*task, PoolObserver::kNoWorker)) {
      pool_.events.finish(*task, PoolObserver::kNoWorker, error_or(pool_.spare_death, [&] {
        return shared_memory_error("pass shared memory to a worker", task->refused_for);
      }));
    }
  }
}

void Supply::condemn(WorkerProcess& worker, const char* violation) noexcept {
  const Lock lock(pool_.mutex);
  worker.condemn(violation);
}

// As many workers died as one task may kill, and none said that it had begun it.
void Supply::end_in_quarantine(RemoteTask& task) noexcept {
  if (!pool_.events.claim(task, PoolObserver::kNoWorker)) return;
  pool_.events.finish(task, PoolObserver::kNoWorker, error_or(pool_.spare_death, [&] {
                        return QuarantinedError("the task is in quarantine: " +
                                                    std::to_string(task.deaths + task.unbegun_deaths) +
                                                    " workers that had it died, and none said that it had begun it",
                                                -1, {}, {}, {});
                      }));
}

}  // namespace pools::detail
