#pragma once

// The machinery of ThreadPool around its Dispatch: threads, initializers, shutdown. Shared by the pool and by map results that
// still submit.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pools/callback_thread.h"
#include "pools/dispatch.h"
#include "pools/pool_options.h"
#include "pools/task.h"

namespace pools {

// Where a future's callbacks run that were attached before its task ended.
enum class CallbackOn {
  worker,            // on the worker that ran the task, before it takes the next one
  callback_thread,   // on one thread of the pool's own, in completion order
};

struct ThreadPoolOptions {
  int workers = 0;                     // >= 1; 0: usable_cores().count * 5
  std::string name_prefix = "pool";    // the threads are named prefix_0, prefix_1, ... (cut so that 15 characters show the number)
  CallbackOn callbacks = CallbackOn::worker;
  std::function<void()> initializer = {};   // run by each worker first, and by the callback thread. If it throws the pool breaks.
};

namespace detail {

class ThreadPoolCore {
 public:
  explicit ThreadPoolCore(ThreadPoolOptions options);
  ~ThreadPoolCore();   // REQUIRES: shut down and waited for

  int workers() const noexcept { return options_.workers; }
  // Runs callbacks where options.callbacks says.
  CallbackSink* sink() noexcept;

  template <class T>
  void submit(Owned<T> task) {
    enqueue(task.get());   // throws: the task is still ours
    task.release();
  }
  void shutdown(const ShutdownOptions& options);
  void start_all();

 private:
  struct Thread {
    explicit Thread(Dispatch& dispatch) noexcept : worker(dispatch) {}
    Worker worker;
    std::thread thread;
  };
  // Callbacks on the worker that completed the future.
  class InlineSink final : public CallbackSink {
   public:
    explicit InlineSink(ThreadPoolCore& core) noexcept : core_(core) {}
    void deliver(StateRef state) noexcept override;

   private:
    ThreadPoolCore& core_;
  };

  void enqueue(Job* job);
  // Throws std::system_error when a thread could not be started and there is none at all; with fewer threads than wanted
  // the pool still works, and the failure is reported to the error hook.
  void start_needed();
  void start_reserved_locked();
  void fail_all(const std::exception_ptr& error) noexcept;
  void work(Worker& self, int number);
  bool initialize() noexcept;
  void join_all();
  [[noreturn]] void refuse() const;

  // Constant after construction.
  const ThreadPoolOptions options_;
  InlineSink inline_sink_{*this};

  Dispatch dispatch_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<Thread>> threads_;   // started, never shrinks; capacity for all from the beginning
  std::exception_ptr broken_;                      // why the pool cannot run tasks any more

  std::mutex join_mutex_;                // serialises those who wait for the threads' end
  std::atomic<std::uint32_t> ready_{0};  // workers whose initializer is over, failed or not; start_all() sleeps on it

  // Last, so that it is gone first: its callbacks may still use the rest.
  const std::unique_ptr<CallbackThread> callback_thread_;
};

}  // namespace detail
}  // namespace pools
