#include "pools/src/process/process_pool_state.h"

#include <cerrno>
#include <mutex>
#include <system_error>

#include "pools/errors.h"

namespace pools::detail {

ProcessPoolState::ProcessPoolState(ProcessPoolOptions given)
    : options(std::move(given)),
      called("the process pool '" + options.name_prefix + "'"),
      prefetches(!options.timing && !options.observer && options.queue.limit == 0 && options.recycle_above == 0),
      spare_death(std::make_exception_ptr(WorkerDied("a worker process died; there is no memory to say how", -1, {}, {}))),
      spare_break(std::make_exception_ptr(BrokenPoolError("the process pool is broken; there is no memory to say why"))),
      events(options),
      backlog(options.queue.limit, room, events),
      fleet(*options.workers) {
  if (watch_timer.descriptor() < 0 || !poll.add_bell(watch_timer.descriptor())) {
    throw std::system_error(errno, std::generic_category(), "cannot make the descriptors of a process pool");
  }
}

void ProcessPoolState::close() noexcept {
  poll.close();
  const std::lock_guard lock(mutex);
  watch_timer.close();
}

void ProcessPoolState::take_back(WorkerProcess& worker) noexcept {
  Backlog& queue = backlog;
  worker.take_back([&queue](TaskRef task) { queue.put_back(std::move(task)); });
}

void ProcessPoolState::take_all_back() noexcept {
  for (const WorkerRef& worker : fleet.live()) take_back(*worker);
}

}  // namespace pools::detail
