#pragma once

// The supervisor of a process pool: one thread that takes the answers, gives each worker its next tasks before it completes the finished one, and
// sees to starts, deaths, time limits and retries. It never waits for a process to start, for a callback, for a decoder of the user's or for
// room in a channel.
//
// Invariant: it does not sleep while a worker has more than one task, and not for long while one has a task that it has not begun.

#include <thread>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/answers.h"
#include "pools/src/process/circuit_breaker.h"
#include "pools/src/process/clocks.h"
#include "pools/src/process/deaths.h"
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
  bool is_this_thread() const noexcept { return std::this_thread::get_id() == id_; }

  Answers& answers() noexcept { return answers_; }

 private:
  void run() noexcept;
  void run_until_finished();
  bool finished() const EXCLUDES(pool_.mutex);  // there is nothing left to supervise, for good
  bool look_around();                           // true if there was something to do
  void park();
  void take_events(int timeout_ms);
  void admit(Fleet::Arrival arrival) noexcept EXCLUDES(pool_.mutex);
  bool answers_come_soon() const noexcept;  // or did not, the last time

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
