#pragma once

// Starts the workers of a process pool, and the guard beside them. Starting takes about a millisecond and happens on the thread that starts
// processes; the supervisor hears of it by an arrival. Nobody waits.

#include <atomic>
#include <cstdint>
#include <memory>

#include "pools/src/base/thread_safety.h"
#include "pools/src/process/fleet.h"
#include "pools/src/process/os/guard.h"
#include "pools/src/process/os/output_relay.h"
#include "pools/src/process/process_pool_state.h"

namespace pools::detail {

// Thread-safe, but for open() and close().
class WorkerStarter {
 public:
  explicit WorkerStarter(ProcessPoolState& pool);  // Throws std::system_error
  WorkerStarter(const WorkerStarter&) = delete;
  WorkerStarter& operator=(const WorkerStarter&) = delete;

  void open(std::weak_ptr<void> owner) noexcept { owner_ = std::move(owner); }  // of this and the pool: lives while it starts
  void close() noexcept;                                                        // ends the guard, and the passing on of output

  // REQUIRES: Fleet::reserve_number() has given the number; one start of it at a time.
  void start(int number) noexcept EXCLUDES(pool_.mutex);
  // As many workers as there are tasks for.
  void start_needed() noexcept EXCLUDES(pool_.mutex);

  // On the supervisor: an event of the pool's poll is the guard's death; another guard in its place.
  bool is_guard(const void* of) const noexcept { return of == &guard_; }
  void replace_guard() noexcept;

  OutputRelay* relay() const noexcept { return relay_.get(); }  // null unless the output is tagged, and after close()

 private:
  std::shared_ptr<void> owner() const noexcept { return owner_.lock(); }
  void arrive(Fleet::Arrival arrival) noexcept EXCLUDES(pool_.mutex);
  int workers() const EXCLUDES(pool_.mutex);  // as asked for
  void ensure_guard();                        // on the thread that starts processes

  ProcessPoolState& pool_;
  std::weak_ptr<void> owner_;  // constant from open() on
  std::unique_ptr<OutputRelay> relay_;
  Guard guard_;
  std::atomic<int> guard_pidfd_{
      -1};                    // watched; changed on the thread that starts processes, while there is none, and on the supervisor
  std::uint64_t starts_ = 0;  // the thread's that starts processes
};

}  // namespace pools::detail
