#pragma once

// The executor (harness/engine/strategies/executor.h) of an event loop: workers are its threads, a task is a coroutine that holds none of
// them while it waits, so that any number of tasks is under way. `Loop` is a workloads::EventLoop with
//   explicit Loop(int threads)   returns when all are there
//   void shutdown()              returns when nothing is under way; idempotent

#include <sys/types.h>

#include <algorithm>
#include <coroutine>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "harness/engine/backends/event_loops.h"
#include "harness/engine/backends/loops/flight.h"
#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/backends/promised_call.h"
#include "harness/engine/strategies/loop_functions.h"
#include "pools/future.h"
#include "workloads/async.h"
#include "workloads/event_loop.h"

namespace harness {

template <class Loop>
class LoopExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::loop_threads;
  static constexpr bool kHasMap = false;

  explicit LoopExecutor(const ExecutorOptions& options)
      : callbacks_(options.callbacks), flight_(options.in_flight), loop_(options.workers) {}
  ~LoopExecutor() { shutdown(); }
  LoopExecutor(const LoopExecutor&) = delete;
  LoopExecutor& operator=(const LoopExecutor&) = delete;

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    Promise<Fn, Args...> promise;
    auto future = promise.future();
    drive<Fn>(*this, std::move(promise), std::forward<Args>(args)...);
    return future;
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback callback, Args&&... args) {
    Promise<Fn, Args...> promise;
    callbacks_.attach(promise.future(), std::move(callback));
    drive<Fn>(*this, std::move(promise), std::forward<Args>(args)...);
  }

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() {
    loop_.shutdown();
    callbacks_.shutdown();
  }
  static int tasks_at_once(const Factors& factors) {
    return factors.in_flight > 0 ? std::min(factors.in_flight, factors.tasks) : factors.tasks;
  }

 private:
  template <auto Fn, class... Args>
  using Promise = pools::Promise<std::invoke_result_t<decltype(Fn), std::decay_t<Args>...>>;

  // Awaited, it goes on on the loop, behind all that is ready, when there is room in flight.
  class Takeoff : private workloads::Completion {
   public:
    explicit Takeoff(LoopExecutor& executor) : executor_(executor) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      done = [](workloads::Completion& self) { static_cast<Takeoff&>(self).waiting_.resume(); };
      if (executor_.flight_.enter(*this)) executor_.loop_.post(*this);  // else it may be past this by now
    }
    void await_resume() const noexcept {}

   private:
    LoopExecutor& executor_;
    std::coroutine_handle<> waiting_;
  };

  template <auto Fn, class PromiseOf, class... Args>
  static workloads::Detached drive(LoopExecutor& executor, PromiseOf promise, Args... args) {
    co_await Takeoff(executor);
    if (promise.set_running()) {
      try {
        auto result = co_await LoopForm<Fn>::run(executor.loop_, std::move(args)...);
        promise.set_value(std::move(result));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    }
    if (workloads::Completion* const next = executor.flight_.leave()) executor.loop_.post(*next);
  }

  Callbacks callbacks_;  // outlives the loop, whose threads hand it their callbacks
  Flight flight_;
  Loop loop_;
};

template <class Loop>
class LoopBackend final : public PoolBackend<LoopExecutor<Loop>> {
 public:
  using PoolBackend<LoopExecutor<Loop>>::PoolBackend;

  std::string workload_skip_reason(std::string_view workload) const override {
    const workloads::Workload* const known = workloads::find_workload(workload);
    if (known == nullptr || known->blocks().empty()) return {};
    return std::string(workload) + ": " + std::string(known->blocks());
  }
  bool any_worker_calls_back() const override { return true; }
};

}  // namespace harness
