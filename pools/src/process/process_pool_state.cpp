#include "pools/src/process/process_pool_state.h"

#include <cerrno>
#include <chrono>
#include <system_error>

#include "pools/detail/futex.h"
#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/worker_count.h"

namespace pools::detail {

ProcessPoolState::ProcessPoolState(ProcessPoolOptions given)
    : options(std::move(given)),
      called("the process pool '" + options.name_prefix + "'"),
      prefetches(!options.timing && !options.observer && options.queue.limit == 0 && options.recycle_above == 0),
      spare_death(std::make_exception_ptr(WorkerDied("a worker process died; there is no memory to say how", -1, {}, {}))),
      spare_break(std::make_exception_ptr(BrokenPoolError("the process pool is broken; there is no memory to say why"))),
      events(options, [this] { poke(); }),
      backlog(options.queue.limit, room, events, options.groups),
      fleet(first_size(options.workers)) {
  if (watch_timer.descriptor() < 0 || !poll.add_bell(watch_timer.descriptor())) {
    throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a process pool");
  }
}

void ProcessPoolState::close() noexcept {
  poll.close();
  const Lock lock(mutex);
  watch_timer.close();
}

bool ProcessPoolState::give(const WorkerRef& worker, TaskRef task) noexcept {
  const bool was_without = worker->given() == 0;
  RemoteTask& raw = *task;
  switch (worker->give(task)) {
    case WorkerProcess::Giving::given:
      break;
    case WorkerProcess::Giving::cancelled:
      backlog.give_permit_back(raw);
      events.dropped_under_the_mutex(raw);
      return false;
    case WorkerProcess::Giving::refused:
      raw.refused_for = worker->refusal();
      backlog.give_permit_back(raw);
      events.answering_begins();
      refused.push_back(std::move(task));
      poke();
      return false;
  }
  events.passed(raw.message().attachments());
  if (was_without) worker->progress = std::chrono::steady_clock::now();
  const RemoteTask::Extras* const extras = raw.has_extras();
  if (extras != nullptr && extras->options.time_limit) worker->due = deadline_after(*extras->options.time_limit);
  events.given(raw, worker->number());
  return true;
}

void ProcessPoolState::take_back(WorkerProcess& worker) noexcept {
  Backlog* const queue = &backlog;
  worker.take_back([queue](TaskRef task) { queue->put_back(std::move(task)); });
}

void ProcessPoolState::take_all_back() noexcept {
  for (const WorkerRef& worker : fleet.live()) take_back(*worker);
}

}  // namespace pools::detail
