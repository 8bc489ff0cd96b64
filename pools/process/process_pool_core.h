#pragma once

// The inside of a ProcessPool. Submitters write straight into the channel of an idle worker; otherwise tasks wait in one queue in
// the order of their submission. One thread, the supervisor, takes the answers, gives each worker its next task before it
// completes the finished one, and sees to starts and deaths. It never waits for a process to start, for a callback or for room
// in a channel.
//
// Invariant: a worker idles only while the queue is empty; each worker has at most one task.

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "pools/callback_thread.h"
#include "pools/pool_options.h"
#include "pools/process/file_descriptor.h"
#include "pools/process/remote_task.h"
#include "pools/process/worker_process.h"
#include "pools/remote_function.h"

namespace pools::detail {

// Thread-safe. Futures' states refer to it as their sink: it outlives the ProcessPool where a future is still to be completed.
class ProcessPoolCore final : public CallbackSink, public std::enable_shared_from_this<ProcessPoolCore> {
 public:
  ProcessPoolCore(int workers, std::string name_prefix, RemoteCall initializer);
  ~ProcessPoolCore();
  ProcessPoolCore(const ProcessPoolCore&) = delete;
  ProcessPoolCore& operator=(const ProcessPoolCore&) = delete;

  void open();    // starts the supervisor. Throws std::system_error
  void close();   // shutdown, then gives every thread, process and descriptor back. Once

  // A task that was cancelled before is dropped. Throws ShutdownError, BrokenPoolError; the task is untouched then.
  void submit(TaskRef& task);
  void shutdown(ShutdownOptions options);
  void start_all();
  int workers() const noexcept { return workers_limit_; }
  std::vector<pid_t> worker_pids() const;

  void deliver(StateRef state) noexcept override;

 private:
  using WorkerRef = std::shared_ptr<WorkerProcess>;
  struct Arrival {
    int number = 0;
    WorkerRef worker;      // null: it could not be started
    std::string failure;   // why
  };

  // process_pool_core.cpp; mutex_ held
  int reserve_worker();                     // the number of a worker to be started; -1 if there may be no more
  [[noreturn]] void refuse_submission();
  bool assign_next(const WorkerRef& worker);   // loads the next task, or makes it idle. True if there is something to send
  bool is_finished() const;

  void start_worker(int number) noexcept;
  void poke() noexcept;     // the supervisor looks at everything once more
  void notify() noexcept;   // whoever waits for a change looks once more

  // supervisor.cpp; on the supervisor
  void supervise();
  bool look_around();       // true if there was something to do
  void park();
  void take_events(int timeout_ms);
  void admit(Arrival arrival);
  bool serve(const WorkerRef& worker);
  void handle(const WorkerRef& worker, const MessageHeader& header);
  void take_answer(const WorkerRef& worker, const MessageHeader& header);
  void worker_ready(const WorkerRef& worker);
  void condemn(WorkerProcess& worker, const std::string& violation);
  void bury(WorkerProcess* dead);
  void start_failed(int number, const std::string& cause);
  void break_pool(const std::string& cause);
  void stop_idle_workers();

  // Constant after construction (the descriptors until close()).
  const int workers_limit_;
  const std::string name_prefix_;
  const RemoteCall initializer_;
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
  int starting_ = 0;                   // being started, not in live_ yet
  int ready_ = 0;                      // of live_, those that have answered `prepare`
  bool closing_ = false;               // no submissions any more
  bool finished_ = false;              // the supervisor is done
  std::optional<std::string> broken_;  // the cause; implies closing_

  // The supervisor's.
  int failed_starts_ = 0;       // in a row
  bool seen_closing_ = false;   // closing_, as last looked at

  std::atomic<bool> poked_{false};
  std::atomic<std::uint32_t> changes_{0};   // what start_all and shutdown sleep on

  std::mutex callbacks_mutex_;
  std::unique_ptr<CallbackThread> callbacks_;   // guarded by callbacks_mutex_; none before open() and after close()
};

}  // namespace pools::detail
