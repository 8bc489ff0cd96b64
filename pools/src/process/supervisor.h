#pragma once

// The supervisor of a process pool: a thread that takes the answers, gives each worker its next tasks before it completes the finished one, and
// sees to starts, deaths, time limits and retries. It never waits for a process to start, for a callback, for a decoder of the user's or for
// room in a channel. While it sleeps, a thread that waits for an answer may lead in its place (leadership.h).
//
// Invariant: it does not sleep while a worker has more than one task, and not for long while one has a task that it has not begun.

#include <sys/epoll.h>

#include <array>
#include <optional>
#include <thread>

#include "pools/detail/future_state.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_safety.h"
#include "pools/src/process/answers.h"
#include "pools/src/process/circuit_breaker.h"
#include "pools/src/process/clocks.h"
#include "pools/src/process/deaths.h"
#include "pools/src/process/leadership.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supply.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

class Supervisor {
 public:
  Supervisor(ProcessPoolState& pool, WorkerStarter& starter);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void start();                    // Throws std::system_error
  void join() { thread_.join(); }  // REQUIRES: the pool is closing
  // This thread supervises: what is called from here must not wait for that.
  bool is_this_thread() const noexcept;

  // On a thread that waits for `state`: supervises while the supervisor sleeps, until the state is done or others keep the pool busy. May
  // return at once, as on a thread that is scheduled otherwise than the pool's own: it would hold all others up.
  void lead_until_done(FutureState& state) noexcept EXCLUDES(pool_.mutex);
  // What a thread that leads may wait for is done, by whoever completed it: not only the pool completes its tasks (then_in). Also after the
  // pool's end.
  void wake_leader() noexcept EXCLUDES(leader_mutex_);

  Answers& answers() noexcept { return answers_; }

 private:
  struct Looks;
  class Leading;

  void run() noexcept;
  void run_until_finished();
  bool look_or_yield(Looks& looks);             // true: it is time to sleep
  bool finished() const EXCLUDES(pool_.mutex);  // there is nothing left to supervise, for good
  bool look_around();                           // true if there was something to do
  bool nothing_to_do();                         // and each worker rings when there is something
  void park();
  void lead_while_others_sleep(FutureState& state);
  void hand_over() noexcept;
  using Events = std::array<epoll_event, 32>;
  void take_events(int timeout_ms);
  int wait_while_others_lead(Events& events, int timeout_ms);
  void handle(const Events& events, int count);
  void break_pool_for_current_exception() noexcept;
  void admit(Fleet::Arrival arrival) noexcept EXCLUDES(pool_.mutex);
  bool answers_come_soon() const noexcept;  // or did not, the last time

  Leadership leadership_;
  std::optional<Clocks::Clock::time_point> wakes_by_itself_;  // the supervisor, should nobody wake it. The leader's

  // A thread that waits leads, and is to be told when what it waits for is done. Whoever holds the mutex then keeps it, and so the pool,
  // from its end.
  Mutex leader_mutex_;
  bool leader_listens_ GUARDED_BY(leader_mutex_) = false;

  ProcessPoolState& pool_;
  WorkerStarter& starter_;
  Supply supply_;
  CircuitBreaker breaker_;
  Clocks clocks_;
  Answers answers_;
  Deaths deaths_;
  std::thread thread_;
  std::thread::id id_;  // constant from start() on
};

}  // namespace pools::detail
