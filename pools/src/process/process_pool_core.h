#pragma once

// The inside of a ProcessPool. Submitters write straight into the channel of an idle worker; otherwise tasks wait in one queue.
// One thread, the supervisor, takes the answers, gives each worker its next tasks before it completes the finished one, and
// sees to starts, deaths, time limits and retries. It never waits for a process to start, for a callback, for a decoder of the user's or for room in
// a channel.
//
// Invariants: a worker idles only while the queue is empty or the pool is paused. A worker is given several tasks at a time only while
// tasks are short, and what it has not begun is pending, cancellable, and taken back in order as soon as it gets stuck: the
// supervisor does not sleep while a worker has more than one task, and not for long while one has a task that it has not begun.
//
// Nothing leaves the supervisor: what goes wrong with one worker costs that worker, everything else breaks the pool. What a death, a retry or an
// end needs is reserved beforehand or linked through the tasks themselves; only words are lost when there is no memory for them.
//
// Counting: a task is counted as submitted before anybody can run it, and as done, failed or cancelled once, before its future is done.

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/detail/remote_task.h"
#include "pools/errors.h"
#include "pools/metrics.h"
#include "pools/options.h"
#include "pools/src/future/callback_thread.h"
#include "pools/src/future/deadline_timer.h"
#include "pools/src/process/decoding_thread.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/process/os/guard.h"
#include "pools/src/process/os/watch_timer.h"
#include "pools/src/process/task_queue.h"
#include "pools/src/process/worker_process.h"

namespace pools::detail {

// In a fork: what submits, starts or waits throws Error, shutdown() and close() return at once, and the rest says that there is nothing.
// Thread-safe. Futures' states refer to it as their sink: it outlives the ProcessPool where a future is still to be completed.
class ProcessPoolCore final : public CallbackSink, public std::enable_shared_from_this<ProcessPoolCore> {
 public:
  explicit ProcessPoolCore(ProcessPoolOptions options);  // workers > 0; checked by the caller
  ~ProcessPoolCore();
  ProcessPoolCore(const ProcessPoolCore&) = delete;
  ProcessPoolCore& operator=(const ProcessPoolCore&) = delete;

  const OwningProcess& process() const noexcept { return process_; }
  void open();   // starts the supervisor. Throws std::system_error
  void close();  // shutdown, then gives every thread, process and descriptor back. Once

  void submit(TaskRef& task, bool bounded);  // process_pool_ref.h
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
    WorkerRef worker;            // null: it could not be started
    std::exception_ptr failure;  // why
  };

  void require_own_process() const {
    if (!process_.is_this()) [[unlikely]]
      refuse_in_fork();
  }
  [[noreturn]] void refuse_in_fork() const;

  // --- process_pool_core.cpp; mutex_ held ---
  int reserve_worker_locked();  // the number of a worker to be started; -1 if there may be no more
  [[noreturn]] void refuse_submission_locked() const;
  bool may_give_locked(const WorkerProcess& worker) const;
  void reserve_workers_locked(int workers);  // Throws std::bad_alloc
  TaskRef pop_locked() noexcept;             // the next to be given; null if there is none. Drops cancelled ones
  void put_back_locked(TaskRef task) noexcept;
  void drop_cancelled(TaskRef task) noexcept;                        // one that a canceller was first at
  bool give_locked(const WorkerRef& worker, TaskRef task) noexcept;  // false: it was cancelled
  void make_idle_locked(const WorkerRef& worker) noexcept;
  bool is_finished() const;
  bool own_thread() noexcept;
  void forget_start_by(RemoteTask& task) noexcept;  // it has ended; any thread

  void start_worker(int number) noexcept;
  void start_needed() noexcept;  // as many workers as there are tasks for
  void poke() noexcept;          // the supervisor looks at everything once more
  void notify() noexcept;        // whoever waits for a change looks once more
  void make_room() noexcept;     // whoever waits for room in the queue looks once more
  void ended(RemoteTask& task, int worker, PoolObserver::Outcome outcome) noexcept;  // before it is finished
  void finish_with(RemoteTask& task, int worker,
                   std::exception_ptr error) noexcept;  // or, if null, with the value that it has taken
  void decode(DecodingThread::Answer answer) noexcept;  // on the thread for that, or where there is none on the supervisor

  // --- supervisor.cpp; on the supervisor ---
  void supervise() noexcept;
  void supervise_until_finished();
  bool look_around();  // true if there was something to do
  void park();
  int take_events(int timeout_ms);  // how many there were
  void admit(Arrival arrival) noexcept;
  bool serve(const WorkerRef& worker);
  void handle(const WorkerRef& worker, const MessageHeader& header);
  void take_answer(const WorkerRef& worker, const MessageHeader& header);
  bool decode_elsewhere(WorkerProcess& worker, TaskRef& task) noexcept;  // false: it is the caller's still
  void worker_ready(const WorkerRef& worker);
  void adjust_depth(WorkerProcess& worker, Clock::duration per_task);  // to how long its last tasks took
  bool answers_come_soon() const;                                      // or did not, the last time; the supervisor's
  // Gives it what it may be given, or makes it idle, or stops it. True if there is something to ring for.
  bool supply(const WorkerRef& worker);
  void supply_idle() noexcept;
  void condemn(WorkerProcess& worker, const char* violation) noexcept;
  bool over_memory(const WorkerProcess& worker) const noexcept;

  // --- stalls.cpp; on the supervisor: who is stuck, has no work, or whose time is up ---
  bool rebalance();     // takes back what lies with workers that are stuck. True: it has to be called again soon
  void watch_clocks();  // time limits, retries, starts to be tried again, tasks that are not begun
  bool take_back_unbegun_locked(Clock::time_point now);  // and ends workers that stay silent. True: it has taken something back
  void terminate_locked(WorkerProcess& worker, WorkerProcess::KillReason kill_reason) noexcept;
  std::optional<Clock::time_point> next_due();
  void drop_cancelled_retries();
  void stop_idle_workers() noexcept;
  WorkerRef next_to_go_locked() const;
  void dismiss_locked(WorkerProcess& worker) noexcept;  // tells it to go; ring() then

  // --- deaths.cpp; on the supervisor ---
  void reap(WorkerProcess* dead) noexcept;
  void end_with_death(TaskRef task, const WorkerProcess& worker, const ExitStatus& status, const std::string& tail,
                      bool quarantined) noexcept;
  void end_in_quarantine(TaskRef task) noexcept;  // one that answering_ counts
  bool retry_later(TaskRef& task) noexcept;       // false: it is broken or cancelled, and the task the caller's still
  void start_failed(int number, const std::string& cause) noexcept;
  void break_pool(std::string cause) noexcept;
  void ensure_guard();  // on the thread that starts processes

  // Constant after construction (the descriptors until close()).
  const ProcessPoolOptions options_;
  const OwningProcess process_;  // in a fork of it nothing else may be looked at
  // Several tasks at a time only where nobody can tell: who watches or times starts, or counts places, sees them one by one.
  const bool prefetches_;
  const DescendantMark mark_;  // that of the pool's workers, each in its own way
  Guard guard_;
  std::unique_ptr<OutputRelay> relay_;  // null unless the output is tagged; constant until close()
  FileDescriptor epoll_;
  FileDescriptor wake_;  // an event descriptor
  // For when there is no memory for a better one.
  const std::exception_ptr spare_death_ =
      std::make_exception_ptr(WorkerDied("a worker process died; there is no memory to say how", -1, {}, {}));
  const std::exception_ptr spare_break_ =
      std::make_exception_ptr(BrokenPoolError("the process pool is broken; there is no memory to say why"));
  std::unique_ptr<DecodingThread> decoding_;  // from open() to close()
  std::thread supervisor_;
  std::thread::id supervisor_id_;

  // Guarded by mutex_.
  mutable AdaptiveMutex mutex_;
  TaskQueue queue_;
  std::vector<WorkerRef> idle_;    // the last one is used first: its memory is warm. As much room as live_
  std::vector<WorkerRef> live_;    // changed by the supervisor only, which may read it without the mutex
  std::vector<Arrival> arrivals_;  // from the thread that starts processes. As much room as there are numbers
  std::vector<bool> numbers_;      // in use by a worker that lives or is being started
  int target_;                     // how many workers there may be
  int starting_ = 0;               // being started, not in live_ yet
  int ready_ = 0;                  // of live_, those that have answered `prepare` and were not told to stop
  bool paused_ = false;
  bool closing_ = false;               // no submissions any more
  bool finished_ = false;              // the supervisor is done
  std::optional<std::string> broken_;  // the cause; implies closing_
  TaskList retries_;                   // wait out their back-off; not many
  bool unwatched_ = false;             // the supervisor may sleep for how long ever: whoever gives a worker a task arms the timer
  WatchTimer watch_timer_;             // wakes the supervisor for a look at whether that task was begun
  std::optional<Clock::time_point> start_again_;  // no start before that: the last one failed
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
  std::atomic<std::int64_t> cancelled_waiting_{0};  // of the queue's tasks
  std::atomic<std::uint32_t> room_{0};              // blocked submitters sleep on it

  // The supervisor's.
  int failed_starts_ = 0;  // in a row
  int deaths_in_row_ = 0;
  bool seen_closing_ = false;  // closing_, as last looked at
  bool warned_of_starts_ = false;
  Clock::time_point next_watch_{};               // no look at what is not begun before that
  std::unique_ptr<LatencyRecorder> queue_wait_;  // with timing; the pointers are constant
  std::unique_ptr<LatencyRecorder> run_time_;

  std::uint64_t worker_starts_ = 0;   // the thread's that starts processes
  std::atomic<int> guard_pidfd_{-1};  // watched; changed on the thread that starts processes, while there is none, and here
  std::atomic<bool> poked_{false};
  std::atomic<std::uint32_t> changes_{0};  // what start_all, shutdown and pause sleep on

  DeadlineTimer deadlines_;  // of tasks that have to start by a time; it holds none of a task that has ended

  std::mutex callbacks_mutex_;
  std::unique_ptr<CallbackThread> callbacks_;  // guarded by callbacks_mutex_; none before open() and after close()
};

}  // namespace pools::detail
