#pragma once

// ThreadPool: concurrent.futures.ThreadPoolExecutor in C++. Tasks start in the order of their submission, on at most `workers`
// threads, which are started as they are needed; an idle one is reused first.
//
// A task that waits, without a timeout, for a future of its own pool runs that future's task itself if it has not started; so a pool
// whose workers all wait for queued tasks goes on. An untimed result() or exception() that would close a cycle of waiting tasks throws
// DeadlockError.
//
// Thread safety: every member may be called from any thread, tasks and callbacks included; but shutdown({.wait = true}), which waits for
// the workers, not from a task of the pool itself.

#include <functional>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "pools/detail/task.h"
#include "pools/detail/thread_pool_ref.h"
#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/metrics.h"
#include "pools/observer.h"
#include "pools/options.h"

namespace pools {

class ThreadPool {
 public:
  // usable_cores().count * 5 workers, as the tutorial this project is about has it.
  ThreadPool() : ThreadPool(ThreadPoolOptions{}) {}
  // Throws std::invalid_argument when workers < 1.
  explicit ThreadPool(int workers);
  // Throws std::invalid_argument.
  explicit ThreadPool(ThreadPoolOptions options);
  // shutdown(): queued work still runs. A thread of the pool's own that destroys it, in a task or callback or by exit() where the pool is
  // a static object, is not waited for; if it is a worker, none is: as after shutdown({.wait = false}), what is queued still runs, unless
  // the program ends before, and the workers then end by themselves.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs f(args...) on a worker: f and args are decay-copied (moved, if they are rvalues), may be move-only, and are
  // destroyed before the future is done. Throws ShutdownError after shutdown, BrokenPoolError when the pool is broken, QueueFullError if
  // the queue is full and when_full is reject (with block it waits), and std::system_error when not even one worker thread could be
  // started.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto submit(F&& f, Args&&... args) {
    return submit_task(nullptr, nullptr, detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
  }
  // The same with the function named as ProcessPool wants it.
  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return submit_task(nullptr, nullptr, detail::bind_call<Fn>(std::forward<Args>(args)...));
  }

  // submit and add_done_callback as one step: the task cannot be done before the callback is attached, so that the
  // callback runs where the pool promises and never on the submitting thread.
  template <class Callback, class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  auto submit_with_callback(Callback&& callback, F&& f, Args&&... args) {
    return submit_task(nullptr, std::forward<Callback>(callback), detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
  }
  template <auto Fn, class Callback, class... Args>
  auto submit_with_callback(Callback&& callback, Args&&... args) {
    return submit_task(nullptr, std::forward<Callback>(callback), detail::bind_call<Fn>(std::forward<Args>(args)...));
  }

  // Detached: no future. What it throws goes to the error hook. Throws as submit does.
  template <class F, class... Args>
    requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
  void post(F&& f, Args&&... args) {
    core_.submit(detail::make_detached(detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...)), nullptr);
  }

  // The pool with options for what is submitted through it: pool.with({.priority = 1}).submit(f, args...). Throws std::invalid_argument.
  class WithOptions {
   public:
    template <class F, class... Args>
      requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    auto submit(F&& f, Args&&... args) const {
      return pool_->submit_task(&options_, nullptr, detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
    }
    template <auto Fn, class... Args>
    auto submit(Args&&... args) const {
      return pool_->submit_task(&options_, nullptr, detail::bind_call<Fn>(std::forward<Args>(args)...));
    }
    template <class Callback, class F, class... Args>
      requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    auto submit_with_callback(Callback&& callback, F&& f, Args&&... args) const {
      return pool_->submit_task(&options_, std::forward<Callback>(callback),
                                detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
    }
    template <auto Fn, class Callback, class... Args>
    auto submit_with_callback(Callback&& callback, Args&&... args) const {
      return pool_->submit_task(&options_, std::forward<Callback>(callback), detail::bind_call<Fn>(std::forward<Args>(args)...));
    }
    // One that has not begun by options.start_by is dropped.
    template <class F, class... Args>
      requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    void post(F&& f, Args&&... args) const {
      pool_->post_with(options_, detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
    }

   private:
    friend class ThreadPool;
    WithOptions(ThreadPool& pool, const TaskOptions& options) : pool_(&pool), options_(options) {}
    ThreadPool* pool_;
    TaskOptions options_;
  };
  WithOptions with(const TaskOptions& options) {
    check(options);
    return {*this, options};
  }

  // f over the elements of one to four ranges in step, to the end of the shortest. All tasks are submitted before this
  // returns, unless options.buffersize bounds the look-ahead; then lvalue ranges must outlive the results. f is moved or
  // copied once, and one const object is called by several workers at a time. Elements are copied, or moved out of a container
  // that is passed as an rvalue. A void function gives std::monostate. options.chunksize has no effect on threads.
  // Throws std::invalid_argument for an option out of range; else as submit does.
  template <class F, std::ranges::input_range A>
  auto map(F f, A&& a, MapOptions options = {}) { return map_zipped(std::move(f), options, std::forward<A>(a)); }
  template <class F, std::ranges::input_range A, std::ranges::input_range B>
  auto map(F f, A&& a, B&& b, MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b));
  }
  template <class F, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C>
  auto map(F f, A&& a, B&& b, C&& c, MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <class F, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C,
            std::ranges::input_range D>
  auto map(F f, A&& a, B&& b, C&& c, D&& d, MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }
  template <auto Fn, std::ranges::input_range A>
  auto map(A&& a, MapOptions options = {}) { return map_zipped(Fn, options, std::forward<A>(a)); }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B>
  auto map(A&& a, B&& b, MapOptions options = {}) { return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b)); }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C>
  auto map(A&& a, B&& b, C&& c, MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C,
            std::ranges::input_range D>
  auto map(A&& a, B&& b, C&& c, D&& d, MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }

  // No submit from now on. Queued work still runs (unless cancelled), with wait = false too. Idempotent. Throws pools::Error
  // when it would wait for the very worker that calls it.
  void shutdown(ShutdownOptions options = {});

  // Starts every worker, and the callback thread if there is one, and returns when all are ready. Throws BrokenPoolError
  // when an initializer failed, std::system_error when a thread could not be started: it says how many there are, and which limit is
  // in the way.
  void start_all();

  // From its return until resume() no task starts; what runs goes on. shutdown() resumes. Not from an observer.
  void pause();
  void resume();
  bool paused() const noexcept;

  // Of too many workers the idle ones end at once, the others after their task. More are started as they are needed, or at once if
  // all of before had been started. Throws std::invalid_argument when workers < 1, ShutdownError, BrokenPoolError, and
  // std::system_error when a thread could not be started: then the pool has as many as there are.
  void resize(int workers);
  // As asked for.
  int workers() const;

  // Consistent at any moment: submitted == queued + running + done + failed + cancelled. What a future says has happened is counted.
  PoolMetrics metrics() const;

 private:
  static void check(const TaskOptions& options);

  template <class Callback, class Call>
  auto submit_task(const TaskOptions* options, Callback&& callback, Call call) {
    using R = std::decay_t<std::invoke_result_t<Call>>;
    auto task = detail::make_task<R>(std::move(call));
    task->set_sink(core_.sink());
    if constexpr (!std::is_null_pointer_v<std::decay_t<Callback>>) {
      task->attach_before_sharing(detail::FutureAccess::make_callback<R>(std::forward<Callback>(callback)));
    }
    task->add_reference_before_sharing();
    detail::FutureState* const state = task.get();
    Future<R> future = detail::FutureAccess::adopt<R>(task.get());
    core_.submit(std::move(task), state, options);
    return future;
  }

  template <class Call>
  void post_with(const TaskOptions& options, Call call) {
    if (!options.start_by) {
      core_.submit(detail::make_detached(std::move(call)), nullptr, &options);
      return;
    }
    // Only what has a state can be cancelled.
    const auto report = [](const Future<void>& done) {
      if (done.cancelled()) return;
      if (const std::exception_ptr error = done.exception()) detail::report_error("a posted task", error);
    };
    submit_task(&options, report, [call = std::move(call)]() mutable { call(); });
  }

  template <class F, class... Ranges>
  auto map_zipped(F f, const MapOptions& options, Ranges&&... ranges) {
    using Result = std::decay_t<std::invoke_result_t<const F&, std::ranges::range_value_t<Ranges>...>>;
    using R = detail::Stored<Result>;
    detail::check(options);
    const detail::Deadline deadline = options.timeout ? detail::deadline_after(*options.timeout) : detail::Deadline{};
    auto submit_one = [core = core_, f = std::make_shared<const F>(std::move(f))](auto&&... elements) {
      auto task = detail::make_task<R>(
          [f, arguments = std::tuple<std::ranges::range_value_t<Ranges>...>(
                  std::forward<decltype(elements)>(elements)...)]() mutable {
            return std::apply(
                [&f](auto&... values) -> R {
                  if constexpr (std::is_void_v<Result>) {
                    std::invoke(*f, std::move(values)...);
                    return {};
                  } else {
                    return std::invoke(*f, std::move(values)...);
                  }
                },
                arguments);
          });
      task->set_sink(core.sink());
      task->add_reference_before_sharing();
      detail::FutureState* const state = task.get();
      Future<R> future = detail::FutureAccess::adopt<R>(task.get());
      core.submit(std::move(task), state);
      return future;
    };
    using Items = detail::SubmittedItems<R, decltype(submit_one), Ranges...>;
    return MapResults<R>(std::make_unique<Items>(std::move(submit_one), options.buffersize, std::forward<Ranges>(ranges)...),
                         deadline);
  }

  detail::ThreadPoolRef core_;
};

}  // namespace pools
