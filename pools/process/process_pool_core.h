#pragma once

// The inside of a ProcessPool. Submitters write straight into the channel of an idle worker; otherwise tasks wait in one queue.
// One thread, the supervisor, takes the answers, gives each worker its next tasks before it completes the finished one, and
// sees to starts, deaths, deadlines and retries. It never waits for a process to start, for a callback or for room in a channel.
//
// Invariants: a worker idles only while the queue is empty or the pool is paused. A worker is given several tasks at a time only while
// tasks are short, and what it has not begun is pending, cancellable, and taken back in order as soon as it gets stuck: the
// supervisor does not sleep while a worker has more than one task.
//
// Counting: a task is counted as submitted before anybody can run it, and as done, failed or cancelled once, before its future is done.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/callback_thread.h"
#include "pools/metrics.h"
#include "pools/pool_options.h"
#include "pools/process/file_descriptor.h"
#include "pools/process/guard.h"
#include "pools/process/process_options.h"
#include "pools/process/remote_task.h"
#include "pools/process/task_queue.h"
#include "pools/process/worker_process.h"

namespace pools::detail {

// Thread-safe. Futures' states refer to it as their sink: it outlives the ProcessPool where a future is still to be completed.
class ProcessPoolCore final : public CallbackSink, public std::enable_shared_from_this<ProcessPoolCore> {
 public:
  explicit ProcessPoolCore(ProcessPoolOptions options);   // workers > 0; checked by the caller
  ~ProcessPoolCore();
  ProcessPoolCore(const ProcessPoolCore&) = delete;
  ProcessPoolCore& operator=(const ProcessPoolCore&) = delete;

  void open();    // starts the supervisor. Throws std::system_error
  void close();   // shutdown, then gives every thread, process and descriptor back. Once

  // A task that was cancelled before is dropped. Throws ShutdownError, BrokenPoolError, QueueFullError; the task is untouched then.
  // `bounded`: the bound of the queue applies (unless the caller is a thread of the pool's own).
  void submit(TaskRef& task, bool bounded = true);
  void shutdown(ShutdownOptions options);
  void start_all();
  void pause();
  void resume();
  bool paused() const;
  void resize(int workers);
  int workers() const;
  std::vector<pid_t> worker_pids() const;
  PoolMetrics metrics() const;
  const ProcessPoolOptions& options() const noexcept { return options_; }

  void deliver(StateRef state) noexcept override;
  void note_cancelled(FutureState& state) noexcept override;
  // A task that was running has been cancelled.
  void kill_worker_of(const RemoteTask& task) noexcept;

 private:
  using WorkerRef = std::shared_ptr<WorkerProcess>;
  using Clock = std::chrono::steady_clock;
  struct Arrival {
    int number = 0;
    WorkerRef worker;      // null: it could not be started
    std::string failure;   // why
  };
  // A task whose worker died and that is tried again.
  struct Retry {
    Clock::time_point due;
    TaskRef task;
  };

  // --- process_pool_core.cpp; mutex_ held ---
  int reserve_worker_locked();                  // the number of a worker to be started; -1 if there may be no more
  [[noreturn]] void refuse_submission_locked() const;
  bool may_give_locked(const WorkerProcess& worker) const;
  TaskRef pop_locked() noexcept;                // the next to be given; null if there is none. Drops cancelled ones
  void put_back_locked(TaskRef task) noexcept;
  bool give_locked(const WorkerRef& worker, TaskRef task) noexcept;   // false: it was cancelled
  void make_idle_locked(const WorkerRef& worker);
  bool is_finished() const;
  bool own_thread() noexcept;

  void start_worker(int number) noexcept;
  void poke() noexcept;     // the supervisor looks at everything once more
  void notify() noexcept;   // whoever waits for a change looks once more
  void make_room() noexcept;   // whoever waits for room in the queue looks once more
  void ended(RemoteTask& task, int worker, PoolObserver::Outcome outcome) noexcept;   // before it is finished

  // --- supervisor.cpp; on the supervisor ---
  void supervise();
  bool look_around();       // true if there was something to do
  void park();
  void take_events(int timeout_ms);
  void admit(Arrival arrival);
  bool serve(const WorkerRef& worker);
  void handle(const WorkerRef& worker, const MessageHeader& header);
  void take_answer(const WorkerRef& worker, const MessageHeader& header);
  void worker_ready(const WorkerRef& worker);
  void adjust_depth(WorkerProcess& worker, Clock::duration per_task);   // to how long its last tasks took
  bool answers_come_soon() const;   // or did not, the last time; the supervisor's
  // Gives it what it may be given, or makes it idle, or stops it. True if there is something to ring for.
  bool supply(const WorkerRef& worker);
  bool supply_idle();
  void start_needed();      // as many workers as there are tasks for
  bool rebalance();         // takes back what lies with workers that are stuck. True: it has to be called again soon
  void condemn(WorkerProcess& worker, const std::string& violation);
  void stop_idle_workers();
  bool over_memory(const WorkerProcess& worker) const;

  // --- deaths.cpp; on the supervisor ---
  void bury(WorkerProcess* dead);
  void end_with_death(TaskRef task, const WorkerProcess& worker, const ExitStatus& status, const std::string& tail, bool quarantined);
  void start_failed(int number, const std::string& cause);
  void break_pool(const std::string& cause);
  void ensure_guard();      // on the thread that starts processes
  void watch_clocks();      // deadlines, retries, starts to be tried again
  std::optional<Clock::time_point> next_due() const;

  // Constant after construction (the descriptors until close()).
  const ProcessPoolOptions options_;
  // Several tasks at a time only where nobody can tell: who watches or times starts, or counts places, sees them one by one.
  const bool prefetches_;
  const DescendantMark mark_;   // that of the pool's workers, each in its own way
  Guard guard_;
  std::unique_ptr<OutputRelay> relay_;   // null unless the output is tagged; constant until close()
  FileDescriptor epoll_;
  FileDescriptor wake_;   // an event descriptor
  std::thread supervisor_;
  std::thread::id supervisor_id_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  TaskQueue queue_;
  std::vector<WorkerRef> idle_;        // the last one is used first: its memory is warm
  std::vector<WorkerRef> live_;        // changed by the supervisor only, which may read it without the mutex
  std::vector<Arrival> arrivals_;      // from the thread that starts processes
  std::vector<bool> numbers_;          // in use by a worker that lives or is being started
  int target_;                         // how many workers there may be
  int starting_ = 0;                   // being started, not in live_ yet
  int ready_ = 0;                      // of live_, those that have answered `prepare` and were not told to stop
  bool paused_ = false;
  bool closing_ = false;               // no submissions any more
  bool finished_ = false;              // the supervisor is done
  std::optional<std::string> broken_;  // the cause; implies closing_
  std::vector<Retry> retries_;         // not many
  std::optional<Clock::time_point> start_again_;   // no start before that: the last one failed
  std::uint64_t submitted_ = 0;
  std::uint64_t crashed_ = 0;
  std::uint64_t respawned_ = 0;
  std::uint64_t retried_ = 0;
  int blocked_submitters_ = 0;

  // Relaxed, all three: counts for themselves, each raised before the future concerned is done, which orders it for whoever waits.
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> cancelled_{0};
  // Tasks of which no worker has anything any more, and that have not been counted as ended. Raised under mutex_.
  std::atomic<int> answering_{0};
  std::atomic<std::int64_t> cancelled_waiting_{0};   // of the queue's tasks
  std::atomic<std::uint32_t> room_{0};               // blocked submitters sleep on it

  // The supervisor's.
  int failed_starts_ = 0;       // in a row
  int deaths_in_row_ = 0;
  bool seen_closing_ = false;   // closing_, as last looked at
  bool warned_of_starts_ = false;
  std::unique_ptr<LatencyRecorder> queue_wait_;   // with timing; the pointers are constant
  std::unique_ptr<LatencyRecorder> run_time_;

  std::uint64_t worker_starts_ = 0;     // the thread's that starts processes
  std::atomic<int> guard_pidfd_{-1};   // watched; changed on the thread that starts processes, while there is none, and here
  std::atomic<bool> poked_{false};
  std::atomic<std::uint32_t> changes_{0};   // what start_all, shutdown and pause sleep on

  std::mutex callbacks_mutex_;
  std::unique_ptr<CallbackThread> callbacks_;   // guarded by callbacks_mutex_; none before open() and after close()
};

}  // namespace pools::detail
