#include "pools/src/process/supervisor.h"

#include <pthread.h>
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
// How often a thread that waits yields for its answer, if answers come soon: as long as a worker that sleeps takes to wake and to answer.
constexpr int kYieldsForAnAnswer = 200;
constexpr int kRoundsForOthers = 64;  // with something to do in each: the pool is busy, and has a thread of its own for that

using Clock = std::chrono::steady_clock;

// For epoll_wait: -1 is for ever.
int timeout_until(const std::optional<Clock::time_point>& due) noexcept {
  if (!due) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

constinit thread_local const Supervisor* leads_here = nullptr;

}  // namespace

struct Supervisor::Looks {
  Backoff backoff;
  int without_events = 0;
  int with_something = 0;
};

// This thread is none of the pool's and leads: nothing of the user's may tell the difference, and no cancellation end it meanwhile.
class Supervisor::Leading {
 public:
  explicit Leading(const Supervisor& supervisor) noexcept
      : outer_(std::exchange(leads_here, &supervisor)), outer_process_(std::exchange(pool_thread_of, this_process())) {
    ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state_);
  }
  ~Leading() {
    ::pthread_setcancelstate(cancel_state_, nullptr);
    pool_thread_of = outer_process_;
    leads_here = outer_;
  }
  Leading(const Leading&) = delete;
  Leading& operator=(const Leading&) = delete;

 private:
  const Supervisor* const outer_;
  const ProcessNumber outer_process_;
  int cancel_state_ = PTHREAD_CANCEL_ENABLE;
};

Supervisor::Supervisor(ProcessPoolState& pool, WorkerStarter& starter)
    : pool_(pool),
      starter_(starter),
      supply_(pool, starter),
      breaker_(pool, starter, supply_),
      clocks_(pool, starter, supply_, breaker_),
      answers_(pool, supply_, breaker_),
      deaths_(pool, starter, supply_, breaker_, answers_) {}

void Supervisor::start() {
  pool_.context = ThreadContext::of_this_thread();  // as the supervisor inherits it
  thread_ = std::thread([this] { run(); });
  id_ = thread_.get_id();
}

bool Supervisor::is_this_thread() const noexcept { return std::this_thread::get_id() == id_ || leads_here == this; }

void Supervisor::run() noexcept {
  pool_thread_of = this_process();
  name_this_thread(pool_.options.name_prefix, "_supervisor");
  for (;;) {
    try {
      run_until_finished();
      break;
    } catch (...) {
      break_pool_for_current_exception();
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

void Supervisor::break_pool_for_current_exception() noexcept {
  try {
    throw;
  } catch (const std::exception& error) {
    breaker_.break_pool(words([&] { return std::string("its supervisor failed: ") + error.what(); }));
  } catch (...) {
    breaker_.break_pool(words([] { return std::string("its supervisor failed"); }));
  }
}

void Supervisor::run_until_finished() {
  Looks looks;
  for (;;) {
    if (look_or_yield(looks)) park();
    if (pool_.seen_closing && finished()) return;
  }
}

bool Supervisor::look_or_yield(Looks& looks) {
  bool tired = false;
  if (look_around()) {
    looks.backoff.renew();
    ++looks.with_something;
  } else if (!answers_come_soon() || !looks.backoff.yield_once()) {
    tired = !supply_.rebalance();
    looks.backoff.renew();
  }
  if (tired) {
    looks.without_events = 0;
  } else if (++looks.without_events >= kRoundsBetweenEvents) {
    take_events(0);
    supply_.rebalance();
    looks.without_events = 0;
  }
  return tired;
}

void Supervisor::wake_leader() noexcept {
  if (leads_here == this) return;  // it has completed the state itself
  const Lock lock(leader_mutex_);
  if (leader_listens_) pool_.poke();
}

void Supervisor::lead_until_done(FutureState& state) noexcept {
  if (state.done() || !pool_.context.is_scheduled_alike() || !leadership_.try_take()) return;
  const Leading here(*this);
  try {
    lead_while_others_sleep(state);
  } catch (...) {
    break_pool_for_current_exception();
  }
  hand_over();
}

void Supervisor::lead_while_others_sleep(FutureState& state) {
  for (const WorkerRef& worker : pool_.live()) worker->channel().expect_no_event();
  Looks looks{.backoff = Backoff(kYieldsForAnAnswer)};
  bool listens = false;
  while (!state.done() && !pool_.seen_closing && looks.with_something < kRoundsForOthers) {
    if (!look_or_yield(looks) || state.done()) continue;
    if (!std::exchange(listens, true)) {
      {
        const Lock lock(leader_mutex_);
        leader_listens_ = true;
      }
      if (!state.expect_helper()) return;
    }
    if (nothing_to_do()) take_events(timeout_until(clocks_.next_due()));
  }
}

void Supervisor::hand_over() noexcept {
  {
    const Lock lock(leader_mutex_);
    leader_listens_ = false;
  }
  bool busy = true;
  try {
    busy = !nothing_to_do() || supply_.rebalance();  // nobody sleeps while a worker has more than one task
    const auto due = clocks_.next_due();
    // The event of a poke may have ended this thread's last sleep.
    busy |= pool_.is_poked() || pool_.seen_closing || (due && (!wakes_by_itself_ || *due < *wakes_by_itself_));
  } catch (...) {  // the supervisor will find out
  }
  if (busy) pool_.poll.wake();
  leadership_.hand_over();
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

bool Supervisor::nothing_to_do() {
  // Step (1) and (2) of the sleeper in doorbell.h; poke() makes its descriptor readable in any case.
  for (const WorkerRef& worker : pool_.live()) worker->channel().expect_event(worker->unsent() && !worker->terminated);
  for (const WorkerRef& worker : pool_.live()) {
    try {
      if (!worker->condemned() && worker->actionable()) return false;
    } catch (const WireError&) {
      return false;  // serve() will find it, too
    }
  }
  return true;
}

void Supervisor::park() {
  if (!nothing_to_do()) return;
  wakes_by_itself_ = clocks_.next_due();
  Events events;
  handle(events, wait_while_others_lead(events, timeout_until(wakes_by_itself_)));
}

void Supervisor::take_events(int timeout_ms) {
  Events events;
  handle(events, pool_.poll.wait(events, timeout_ms));
}

int Supervisor::wait_while_others_lead(Events& events, int timeout_ms) {
  const std::uint64_t terms = leadership_.terms();
  leadership_.let_go();
  const int count = pool_.poll.wait(events, timeout_ms);
  if (!leadership_.try_resume()) {
    pool_.poll.wake();  // what has ended this wait may have been for who leads, and is not said twice
    leadership_.resume();
  }
  // What they name may have been reaped. A process that is dead is named again; of all else there is only to be looked around.
  return leadership_.terms() == terms ? count : pool_.poll.wait(events, 0);
}

void Supervisor::handle(const Events& events, int count) {
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
