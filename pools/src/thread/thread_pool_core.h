#pragma once

// The inside of a ThreadPool around its Dispatch: threads, initializers, shutdown. Shared by the pool and by map results that
// still submit.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/cores_follower.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/sizer.h"
#include "pools/src/future/callback_thread.h"
#include "pools/src/future/deadline_timer.h"
#include "pools/src/thread/dispatch.h"
#include "pools/src/thread/job_events.h"
#include "pools/src/thread/work_clock.h"

namespace pools::detail {

// Each worker holds it, so that a pool which a worker of its own destroys is gone when the last one ends. In a fork: what submits, starts
// or waits throws Error, shutdown() returns at once, and the rest says that there is nothing.
class ThreadPoolCore : public std::enable_shared_from_this<ThreadPoolCore> {
 public:
  explicit ThreadPoolCore(ThreadPoolOptions options);
  ~ThreadPoolCore();  // REQUIRES: no worker runs any more
  // The end of the pool that had it: a shutdown that waits for every thread but the one that calls it; on a worker it waits for none.
  static void end(std::shared_ptr<ThreadPoolCore> core);

  int workers() const;
  const OwningProcess& process() const noexcept { return process_; }
  void open();  // once. Throws std::system_error
  // Runs callbacks where options.callbacks says.
  CallbackSink* sink() noexcept { return &sink_; }

  // state: the job's, or null. If it throws the job is still the caller's.
  void submit(Job& job, FutureState* state, const TaskOptions* options) {
    require_own_process();
    if (options == nullptr && !events_.on_all_jobs()) {
      enqueue(job);
    } else {
      enqueue_with_extras(job, state, options);
    }
  }
  void shutdown(const ShutdownOptions& options);
  void start_all();
  void pause();
  void resume();
  bool paused() const noexcept { return dispatch_.paused(); }
  static constexpr int kWorkersPerCore = 5;  // where nobody says how many workers there are
  void resize(int workers);
  void resize_automatically();
  void resize_itself(const SelfSizing& bounds);
  PoolMetrics metrics() const;
  // Throws std::invalid_argument.
  JobGroup& find_group(const std::string& name) const {
    return dispatch_.groups().find(name, "the pool '" + options_.name_prefix + "'");
  }

 private:
  // A worker, and the counts of all workers that had its number. What the worker writes is on lines of its own, wherever the slot lies.
  struct alignas(kCacheLine) Slot {
    Slot(Dispatch& dispatch, const CallbackSink& pool, JobEvents& events, int number)
        : tally{.latencies = events.make_latencies()}, worker(dispatch, pool, events, tally, number) {}
    Tally tally;
    ThreadWorker worker;
    std::thread thread;
    std::thread before;  // the one that had the slot until a resize; joined by `thread`
    bool ended = false;  // guarded by the pool's mutex_; set as the thread's last act
    WorkClock clock;     // runs while the pool sizes itself
  };
  // Callbacks on the worker that completed the future, or on the callback thread.
  class Sink final : public CallbackSink {
   public:
    explicit Sink(ThreadPoolCore& core) noexcept : core_(core) {}
    void deliver(StateRef state) noexcept override;
    void note_cancelled(FutureState& state) noexcept override { core_.events_.cancelled(state); }

   private:
    ThreadPoolCore& core_;
  };

  void require_own_process() const {
    if (!process_.is_this()) [[unlikely]]
      refuse_in_fork();
  }
  [[noreturn]] void refuse_in_fork() const;
  void enqueue(Job& job) {
    if (const Dispatch::Pushed pushed = dispatch_.push(&job); pushed != Dispatch::Pushed::queued) [[unlikely]]
      enqueue_otherwise(job, pushed);
  }
  [[gnu::cold]] void enqueue_otherwise(Job& job, Dispatch::Pushed pushed);  // what a push came to that has not queued it
  void enqueue_with_extras(Job& job, FutureState* state, const TaskOptions* options);
  bool find_permit(Job& job, FutureState* state);
  bool run_in_caller(Job& job, FutureState* state);
  bool called_by_worker() const noexcept;  // or by who runs a worker's task for it
  bool called_from_inside() const noexcept;
  // Starts what is needed. Throws std::system_error when a thread could not be started and there is none at all; with fewer threads than
  // wanted the pool still works: false, and the failure is reported to the error hook.
  bool start_needed(Dispatch::Need need) EXCLUDES(mutex_);
  void start_all_threads();
  void start_worker_locked() REQUIRES(mutex_);
  void work(Slot& slot, int number) noexcept;
  bool initialize() noexcept;
  void set_size(int workers);
  PoolMetrics task_metrics() const;
  // Of a pool that sizes itself.
  void run_measured(Job& job, Slot& slot) noexcept;
  void measure(WorkMeter& meter);
  bool has_task() const;
  void close_and_wait(const ShutdownOptions& options);
  void join_all();
  [[noreturn]] void refuse() const;

  // Constant after construction.
  const ThreadPoolOptions options_;
  const OwningProcess process_;  // in a fork of it nothing else may be looked at

  DeadlineTimer deadlines_;
  JobEvents events_;
  Sink sink_{*this};
  Dispatch dispatch_;
  Tally callers_;  // of submitters that run their own jobs

  mutable Mutex mutex_;
  int wanted_ GUARDED_BY(mutex_);                                // workers, as asked for
  std::vector<std::unique_ptr<Slot>> slots_ GUARDED_BY(mutex_);  // never shrinks: wakers may touch a worker that has just ended
  std::size_t ended_ GUARDED_BY(mutex_) = 0;                     // of them: their threads have ended, by a resize
  std::uint32_t started_ GUARDED_BY(mutex_) = 0;                 // threads so far; wraps
  std::exception_ptr broken_ GUARDED_BY(mutex_);                 // why the pool cannot run tasks any more

  Mutex join_mutex_;                     // serialises those who wait for the threads' end
  std::atomic<std::uint32_t> ready_{0};  // threads whose initializer is over, failed or not, so far; start_all() sleeps on it

  // Last, so that they are gone first: its callbacks, and what it does, may still use the rest.
  const std::unique_ptr<CallbackThread> callback_thread_;
  CoresFollower cores_{options_.name_prefix, [this](int cores) { set_size(cores * kWorkersPerCore); }};
  std::atomic<bool> measures_{false};  // from the first time that it sizes itself. Relaxed: what it misses is not measured
  // How many tasks may run that had begun before; only ever less. The sizer's thread's, and whoever starts it has it before.
  int unmeasured_ = 0;
  Sizer sizer_{options_.name_prefix + "_sizer",
               {.measure = [this](WorkMeter& meter) { measure(meter); },
                .tasks = [this] { return task_metrics(); },
                .has_task = [this] { return has_task(); },
                .set_size = [this](int size) { set_size(size); },
                .size = [this] { return workers(); }}};
};

}  // namespace pools::detail
