#include "pools/src/process/supervisor.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "pools/detail/forks.h"
#include "pools/errors.h"
#include "pools/src/base/backoff.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_name.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/words.h"

namespace pools::detail {
namespace {

constexpr int kRoundsBetweenEvents = 64;  // while busy, deaths and clocks are looked at this often

using Clock = std::chrono::steady_clock;

}  // namespace

Supervisor::Supervisor(ProcessPoolState& pool, WorkerStarter& starter)
    : pool_(pool),
      starter_(starter),
      supply_(pool, starter),
      breaker_(pool, starter, supply_),
      clocks_(pool, starter, supply_, breaker_),
      answers_(pool, supply_, breaker_),
      deaths_(pool, starter, supply_, breaker_, answers_) {}

void Supervisor::start() {
  thread_ = std::thread([this] { run(); });
  id_ = thread_.get_id();
}

void Supervisor::run() noexcept {
  pool_thread_of = this_process();
  name_this_thread(pool_.options.name_prefix, "_supervisor");
  for (;;) {
    try {
      run_until_finished();
      break;
    } catch (const std::exception& error) {
      breaker_.break_pool(words([&] { return std::string("its supervisor failed: ") + error.what(); }));
    } catch (...) {
      breaker_.break_pool(words([] { return std::string("its supervisor failed"); }));
    }
  }
  // Of workers that were asked to end, and of those with which it could not be done.
  if (!kill_descendants(pool_.mark)) {
    report_error("ending what the workers have started",
                 error_or(pool_.spare_break, [] { return Error("some of it may live on"); }));
  }
  pool_.events.free_dropped();
  {
    const Lock lock(pool_.mutex);
    pool_.finished = true;
  }
  pool_.notify();
}

void Supervisor::run_until_finished() {
  Backoff backoff;
  int rounds_without_events = 0;
  for (;;) {
    if (look_around()) {
      backoff.renew();
    } else if (!answers_come_soon() || !backoff.yield_once()) {
      if (!supply_.rebalance()) {
        park();
        rounds_without_events = 0;
      }
      backoff.renew();
    }
    if (++rounds_without_events >= kRoundsBetweenEvents) {
      take_events(0);
      supply_.rebalance();
      rounds_without_events = 0;
    }
    if (pool_.seen_closing && finished()) return;
  }
}

bool Supervisor::finished() const {
  const Lock lock(pool_.mutex);
  return pool_.backlog.nothing_left() && pool_.refused.empty() && pool_.fleet.gone();
}

bool Supervisor::look_around() {
  bool progress = false;
  if (pool_.was_poked()) {
    progress = true;
    for (;;) {
      std::optional<Fleet::Arrival> arrival;
      {
        const Lock lock(pool_.mutex);
        pool_.seen_closing = pool_.closing;
        arrival = pool_.fleet.next_arrival();
        if (!arrival) {
          pool_.backlog.drop_cancelled_retries();
          break;
        }
      }
      admit(std::move(*arrival));
    }
    supply_.end_refused();
    supply_.adjust();
    pool_.events.free_dropped();  // also of what was dropped just now; of later ones it is poked
  }
  for (const WorkerRef& worker : pool_.live()) progress |= answers_.serve(worker);
  return progress;
}

// While long tasks keep the cores busy a yield lasts until the next tick, and meanwhile no bell wakes this thread.
bool Supervisor::answers_come_soon() const noexcept {
  const std::vector<WorkerRef>& live = pool_.live();
  return std::any_of(live.begin(), live.end(), [](const WorkerRef& worker) { return worker->answers_soon; });
}

void Supervisor::park() {
  // Step (1) and (2) of the sleeper in doorbell.h; poke() makes its descriptor readable in any case.
  for (const WorkerRef& worker : pool_.live()) worker->channel().expect_event(worker->unsent() && !worker->terminated);
  for (const WorkerRef& worker : pool_.live()) {
    try {
      if (!worker->condemned() && worker->actionable()) return;
    } catch (const WireError&) {
      return;  // serve() will find it, too
    }
  }
  int timeout_ms = -1;
  if (const auto due = clocks_.next_due()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
  }
  take_events(timeout_ms);
}

void Supervisor::take_events(int timeout_ms) {
  std::array<epoll_event, 32> events;
  const int count = pool_.poll.wait(events, timeout_ms);
  for (int at = 0; at < count; ++at) {
    // A pidfd's event names the worker, and there is one per worker and batch; the others only had to end the wait.
    void* const of = events[static_cast<std::size_t>(at)].data.ptr;
    if (starter_.is_guard(of)) {
      starter_.replace_guard();
    } else if (of != nullptr) {
      deaths_.reap(static_cast<WorkerProcess*>(of));
    }
  }
  clocks_.look();
}

void Supervisor::admit(Fleet::Arrival arrival) noexcept {
  const auto failed = [&](const std::exception_ptr& failure) {
    breaker_.start_failed(arrival.number, words([&] { return text_of(failure); }));
  };
  if (!arrival.worker) return failed(arrival.failure);
  try {
    const Lock lock(pool_.mutex);
    pool_.fleet.make_room();
  } catch (const std::bad_alloc&) {
    return failed(std::current_exception());
  }
  WorkerProcess& worker = *arrival.worker;
  if (!pool_.poll.add_bell(worker.channel().event()) || !pool_.poll.add_process(worker.child().pidfd(), &worker)) {
    const int error = errno;
    pool_.poll.remove(worker.channel().event());
    return breaker_.start_failed(arrival.number,
                                 words([&] { return std::string("cannot watch a worker: ") + std::strerror(error); }));
  }
  const Lock lock(pool_.mutex);
  pool_.fleet.admit(std::move(arrival.worker));
}

}  // namespace pools::detail
