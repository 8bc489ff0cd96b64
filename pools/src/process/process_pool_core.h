#pragma once

// The inside of a ProcessPool, tied together. Submitters write straight into the channel of an idle worker; otherwise tasks wait in the backlog
// for the supervisor to give them away.
//
//   ProcessPoolCore    what the pool's user calls
//   ProcessPoolState   what all of these share, and the one mutex: the Backlog (queue, bound, retries), the Fleet (who lives, starts, idles),
//                      TaskEvents (counts, histograms, observer)
//   WorkerStarter      on the thread that starts processes
//   Supervisor         the thread: its loop, made of Supply (who is given what), Answers, Clocks, Deaths, CircuitBreaker

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/detail/remote_task.h"
#include "pools/detail/task_pool.h"
#include "pools/metrics.h"
#include "pools/options.h"
#include "pools/src/base/cores_follower.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/sizer.h"
#include "pools/src/future/pool_callbacks.h"
#include "pools/src/process/process_pool_state.h"
#include "pools/src/process/supervisor.h"
#include "pools/src/process/worker_starter.h"

namespace pools::detail {

// In a fork: what submits, starts or waits throws Error, shutdown() and close() return at once, and the rest says that there is nothing.
// Thread-safe. Futures' states refer to it as their sink: it outlives the ProcessPool where a future is still to be completed.
class ProcessPoolCore final : public TaskPool, public std::enable_shared_from_this<ProcessPoolCore> {
 public:
  explicit ProcessPoolCore(ProcessPoolOptions options);  // workers > 0; checked by the caller
  ~ProcessPoolCore();

  const OwningProcess& process() const noexcept { return state_.process; }
  void open();   // starts the supervisor. Throws std::system_error
  void close();  // shutdown, then gives every thread, process and descriptor back. Once

  void submit(TaskRef& task, bool bounded) override;
  void shutdown(ShutdownOptions options);
  void start_all();
  void pause();
  void resume();
  bool paused() const;
  void resize(int workers);
  void resize_automatically();
  void resize_itself(const SelfSizing& bounds);
  int workers() const;
  std::vector<pid_t> worker_pids() const;
  PoolMetrics metrics() const;
  const ProcessPoolOptions& options() const noexcept { return state_.options; }

  void deliver(StateRef state) noexcept override;
  void note_cancelled(FutureState& state) noexcept override;
  // On a thread that waits for the state of a task of the pool's: may take its answer here. Returns early.
  void help_to_complete(FutureState& state) noexcept;
  void wake_helper() noexcept { supervisor_.wake_leader(); }
  void kill_worker_of(const RemoteTask& task) noexcept override;
  void require_own_process(const char* what) const override { state_.process.require(what); }
  RemoteGroup& find_group(const std::string& name) const override;

 private:
  void set_size(int workers);
  PoolMetrics task_metrics() const;
  // Of a pool that sizes itself.
  void measure(WorkMeter& meter);
  bool has_task();
  void require_own_process() const {
    if (!state_.process.is_this()) [[unlikely]]
      refuse_in_fork();
  }
  [[noreturn]] void refuse_in_fork() const;
  void require_open() const REQUIRES(state_.mutex);  // Throws ShutdownError, BrokenPoolError

  // To an idle worker, which is to be rung; null: it was cancelled.
  WorkerRef give_to_idle(TaskRef task) noexcept REQUIRES(state_.mutex);
  bool must_wait_for_room(const RemoteTask& task) const REQUIRES(state_.mutex);  // Throws QueueFullError
  bool own_thread() noexcept;
  bool is_finished() const;
  void await_finish() const noexcept;

  ProcessPoolState state_;
  WorkerStarter starter_{state_};
  Supervisor supervisor_{state_, starter_};

  PoolCallbacks callbacks_;
  CoresFollower cores_{state_.options.name_prefix, [this](int cores) { set_size(cores); }};
  Sizer sizer_{state_.options.name_prefix + "_sizer",
               {.measure = [this](WorkMeter& meter) { measure(meter); },
                .tasks = [this] { return task_metrics(); },
                .has_task = [this] { return has_task(); },
                .set_size = [this](int size) { set_size(size); },
                .size = [this] { return workers(); }}};
};

}  // namespace pools::detail
