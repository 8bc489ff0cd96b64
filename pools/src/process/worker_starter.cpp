#include "pools/src/process/worker_starter.h"

#include <exception>
#include <utility>

#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/spawn.h"

namespace pools::detail {

WorkerStarter::WorkerStarter(ProcessPoolState& pool)
    : pool_(pool),
      relay_(pool.options.output == WorkerOutput::tagged ? std::make_unique<OutputRelay>(pool.options.output_patience) : nullptr),
      guard_(pool.options.name_prefix + "_guard", pool.mark) {}

void WorkerStarter::close() noexcept {
  guard_.stop();
  relay_.reset();
}

void WorkerStarter::arrive(Fleet::Arrival arrival) noexcept {
  const Lock lock(pool_.mutex);
  pool_.fleet.arrive(std::move(arrival));  // there is room
  pool_.poke();                            // with the mutex held: without it the pool could be gone
}

int WorkerStarter::workers() const {
  const Lock lock(pool_.mutex);
  return pool_.fleet.target();
}

void WorkerStarter::start(int number) noexcept {
  try {
    post_to_spawner([this, number, keep = owner()] {
      Fleet::Arrival arrival{.number = number, .worker = nullptr, .failure = {}};
      try {
        ensure_guard();
        const DescendantMark mark = pool_.mark.of_worker(starts_++);
        arrival.worker = std::make_shared<WorkerProcess>(number, workers(), pool_.options, mark, relay_.get());
      } catch (...) {
        arrival.failure = std::current_exception();
      }
      arrive(std::move(arrival));
    });
  } catch (...) {
    arrive({.number = number, .worker = nullptr, .failure = std::current_exception()});
  }
}

void WorkerStarter::start_needed() noexcept {
  for (;;) {
    int number = -1;
    {
      const Lock lock(pool_.mutex);
      if (pool_.paused) return;
      const std::size_t enough = pool_.fleet.idle().size() + static_cast<std::size_t>(pool_.fleet.coming());
      if (enough >= pool_.backlog.size()) return;
      number = pool_.fleet.reserve_number();
    }
    if (number < 0) return;
    start(number);
  }
}

void WorkerStarter::replace_guard() noexcept {
  pool_.poll.remove(guard_pidfd_.load(std::memory_order_relaxed));
  guard_pidfd_.store(-1, std::memory_order_release);
  try {
    post_to_spawner([this, keep = owner()] { ensure_guard(); });
  } catch (const std::exception&) {
    report_error("replacing the guard of a process pool", std::current_exception());
  }
}

// Without a guard workers are started all the same: it is needed only if this process is killed.
void WorkerStarter::ensure_guard() {
  // Acquire: pairs with the release in replace_guard(), which is done with the old one.
  if (guard_pidfd_.load(std::memory_order_acquire) >= 0) return;
  try {
    guard_.ensure();
    const int pidfd = guard_.pidfd();
    if (pool_.poll.add_process(pidfd, &guard_)) guard_pidfd_.store(pidfd, std::memory_order_release);
  } catch (const std::exception&) {
    report_error("starting the guard of a process pool", std::current_exception());
  }
}

}  // namespace pools::detail
