#pragma once

// ProcessPool: concurrent.futures.ProcessPoolExecutor in C++. Tasks start in the order of their submission, each in one of at
// most `workers` processes, which are this program executed again and are started as they are needed.
//
//   int main(int argc, char** argv) {
//     pools::init(argc, argv);                              // a worker process never returns from here
//     pools::ProcessPool processes{4};
//     auto sum = processes.submit<&count_words>(text);      // runs in another process
//
// remote_executor.h has submit and map, and says how a function is named and what may travel. Nothing is inherited from the main
// process but its environment, its working directory and its standard output and error: what main() sets up before the pool is
// there does not exist in a worker, what static initialisers do happens in each. An initializer prepares workers.
//
// An exception of the task becomes a RemoteError with its type's name and its message. The death of a worker fails the task
// that it was running with WorkerDied, and nothing else; another takes its place.
//
// Thread safety: every member may be called from any thread, callbacks included.

#include <sys/types.h>

#include <memory>
#include <vector>

#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"
#include "pools/remote_executor.h"

namespace pools {
namespace detail {
class ProcessPoolCore;
}  // namespace detail

class ProcessPool : public RemoteExecutor {
 public:
  // usable_cores().count workers.
  ProcessPool() : ProcessPool(ProcessPoolOptions{}) {}
  // Throws std::invalid_argument when workers < 1.
  explicit ProcessPool(int workers);
  // Throws std::invalid_argument; NotInitialisedError when pools::init was not called;
  // std::system_error when there are no descriptors or threads left.
  explicit ProcessPool(ProcessPoolOptions options);
  // shutdown(): queued work still runs. Afterwards no process, thread or descriptor of the pool is left, but for the callback thread if it
  // is that which destroys the pool, in a callback or by exit() where the pool is a static object: it ends after the callbacks that it has
  // been left. An observer must not destroy the pool: the program is aborted, and says why.
  ~ProcessPool();
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // No submit from now on. Queued work still runs (unless cancelled), with wait = false too. Idempotent.
  void shutdown(ShutdownOptions options = {});

  // Starts every worker, all at the same time, and returns when each has run its initializer and waits for work. Throws
  // BrokenPoolError when an initializer failed or workers cannot be started, ShutdownError.
  void start_all();

  // From its return until resume() no task starts; what runs goes on (as does one whose arguments are on their way to a worker because
  // they are too many to be sent at once). shutdown() resumes.
  void pause();
  void resume();
  [[nodiscard]] bool paused() const;

  // More workers are started as they are needed; of too many the idle ones go at once, the others after their task. Throws
  // std::invalid_argument when workers < 1, ShutdownError, BrokenPoolError.
  void resize(int workers);
  // resize(automatic): usable_cores().count workers, at once and, until another resize() or shutdown(), whenever that changes: by a CPU
  // quota of the control group, or the affinity mask of the program's main thread; looked at each second by a thread for that. Workers that live
  // keep their share of the cores (inner_threads). Throws as resize(int), and std::system_error when there is no thread for it: the size
  // is changed then, and not followed.
  void resize(Automatic);
  // resize(self_sizing{.min = 1, .max = 200}): the pool sizes itself from now on, until another resize() or shutdown(), on a thread for that
  // (worker_count.h): it starts with as many workers as there are usable cores. Throws as resize(Automatic), and std::invalid_argument unless
  // 1 <= min <= max. What processes compute that a task has started counts as waiting.
  void resize(const SelfSizing& bounds);
  // As asked for.
  [[nodiscard]] int workers() const;

  // Consistent at any moment: submitted == queued + running + done + failed + cancelled.
  [[nodiscard]] PoolMetrics metrics() const;
  // Of the worker processes that live now.
  [[nodiscard]] std::vector<pid_t> worker_pids() const;

 private:
  explicit ProcessPool(std::shared_ptr<detail::ProcessPoolCore> core);

  std::shared_ptr<detail::ProcessPoolCore> core_;
};

}  // namespace pools
