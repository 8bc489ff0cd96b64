#pragma once

// What a pool tells whoever wants to watch it: the observer of ThreadPoolOptions and ProcessPoolOptions.

#include <sys/types.h>

#include <cstdint>

namespace pools {

// Every function may be called from several threads at once, and must neither throw, nor block, nor call the pool. A task's
// events come in order (submitted, started, finished), each before whoever waits for the future hears of it; `task` counts
// the pool's submissions from 0.
class PoolObserver {
 public:
  enum class Outcome { done, failed, cancelled };
  static constexpr int kNoWorker = -1;

  virtual ~PoolObserver() = default;
  virtual void submitted([[maybe_unused]] std::uint64_t task) noexcept {}
  // Again for each retry; of a task of a group, when it has a permit. kNoWorker: the submitter runs it (WhenFull::caller_runs).
  virtual void started([[maybe_unused]] std::uint64_t task, [[maybe_unused]] int worker) noexcept {}
  // Once. A task that ends without having been started has kNoWorker; a cancelled one is reported when a worker comes by it in
  // the queue, or at the end of the pool.
  virtual void finished([[maybe_unused]] std::uint64_t task, [[maybe_unused]] int worker,
                        [[maybe_unused]] Outcome outcome) noexcept {}
  // `id` is the thread's or process's own; `worker` the number in its name.
  virtual void worker_up([[maybe_unused]] int worker, [[maybe_unused]] pid_t id) noexcept {}
  virtual void worker_down([[maybe_unused]] int worker, [[maybe_unused]] pid_t id) noexcept {}
};

}  // namespace pools
