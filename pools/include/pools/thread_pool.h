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

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "pools/detail/refused.h"
#include "pools/detail/task.h"
#include "pools/detail/thread_blocks.h"
#include "pools/detail/thread_map.h"
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
  // Throws std::invalid_argument, and std::system_error when the thread of a pool that sizes itself could not be started.
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
  template <class F, class... Args>
  requires(!std::invocable<std::decay_t<F>, std::decay_t<Args>...>) void submit(F&&, Args&&...) { detail::refuse_arguments<F>(); }
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
    return submit_task(nullptr, std::forward<Callback>(callback),
                       detail::bind_call(std::forward<F>(f), std::forward<Args>(args)...));
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
    template <class F, class... Args>
    requires(!std::invocable<std::decay_t<F>, std::decay_t<Args>...>) void submit(F&&, Args&&...) const {
      detail::refuse_arguments<F>();
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

    // The tasks of all blocks; for what fn and the bounds may be see ThreadPool::blocks().
    template <class First, class Last, class F>
    requires detail::BlockBounds<std::decay_t<First>, std::decay_t<Last>>
    [[nodiscard("for_each_block waits for its blocks")]] auto blocks(First first, Last last, F fn, std::size_t number = 0) const {
      return pool_->submit_blocks(&options_, first, last, std::move(fn), number);
    }
    template <class First, class Last, class F>
    requires detail::BlockBounds<std::decay_t<First>, std::decay_t<Last>>
    void for_each_block(First first, Last last, F fn, std::size_t number = 0) const {
      detail::finish_blocks(blocks(first, last, std::move(fn), number));
    }

   private:
    friend class ThreadPool;
    WithOptions(ThreadPool& pool, const TaskOptions& options) : pool_(&pool), options_(options) {}
    ThreadPool* pool_;
    TaskOptions options_;
  };
  [[nodiscard]] WithOptions with(const TaskOptions& options) {
    check(options);
    return {*this, options};
  }

  // f over the elements of one to four ranges in step, to the end of the shortest. All tasks are submitted before this
  // returns, unless options.buffersize bounds the look-ahead; then lvalue ranges must outlive the results. f is moved or
  // copied once, and one const object is called by several workers at a time. Elements are copied, or moved out of a container
  // that is passed as an rvalue. A void function gives std::monostate. options.chunksize consecutive items run as one task; an exception
  // is that of its item alone. Throws std::invalid_argument for an option out of range; else as submit does.
  template <class F, std::ranges::input_range A>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(F f, A&& a, MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a));
  }
  template <class F, std::ranges::input_range A, std::ranges::input_range B>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(F f, A&& a, B&& b,
                                                                                       MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b));
  }
  template <class F, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(F f, A&& a, B&& b, C&& c,
                                                                                       MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <class F, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C,
            std::ranges::input_range D>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(F f, A&& a, B&& b, C&& c, D&& d,
                                                                                       MapOptions options = {}) {
    return map_zipped(std::move(f), options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }
  template <auto Fn, std::ranges::input_range A>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, C&& c,
                                                                                       MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C,
            std::ranges::input_range D>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, C&& c, D&& d,
                                                                                       MapOptions options = {}) {
    return map_zipped(Fn, options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }

  template <auto Fn, class... Ranges>
  requires(!(... &&
             (std::ranges::input_range<Ranges> || std::same_as<std::remove_cvref_t<Ranges>, MapOptions>))) void map(Ranges&&...) {
    static_assert(detail::kRefused<std::tuple<Ranges...>>, "map<&f>(ranges...) takes one to four ranges, such as std::vector");
  }
  // What is neither a range nor the options.
  template <class F, class... Ranges>
  requires(!(... && (std::ranges::input_range<Ranges> ||
                     std::same_as<std::remove_cvref_t<Ranges>, MapOptions>))) void map(F&&, Ranges&&...) {
    static_assert(detail::kRefused<F>, "map(f, ranges...) takes a function and one to four ranges, such as std::vector");
  }

  // fn(begin, end) on blocks that cover [first, last): consecutive, disjoint, and of sizes that differ by one at most. The bounds are
  // numbers, as in blocks(0, items.size(), fn), or random-access iterators; of an empty range there is no block. `number`: how many
  // blocks, at most one for each element; 0: as many as there are workers. One const fn is called by several workers at a time. The
  // futures come in the order of the blocks. If it throws, as submit does, no block runs any more; std::invalid_argument for bounds of
  // which one is below 0 and the other unsigned.
  template <class First, class Last, class F>
  requires detail::BlockBounds<std::decay_t<First>, std::decay_t<Last>>
  [[nodiscard("for_each_block waits for its blocks")]] auto blocks(First first, Last last, F fn, std::size_t number = 0) {
    return submit_blocks(nullptr, first, last, std::move(fn), number);
  }

  // The same, and returns when all have run; then rethrows the first exception, in the order of the blocks. In a task of this pool it
  // helps, and throws as wait() does: after DeadlockError blocks may still be at work.
  template <class First, class Last, class F>
  requires detail::BlockBounds<std::decay_t<First>, std::decay_t<Last>>
  void for_each_block(First first, Last last, F fn, std::size_t number = 0) {
    detail::finish_blocks(blocks(first, last, std::move(fn), number));
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
  [[nodiscard]] bool paused() const noexcept;

  // Of too many workers the idle ones end at once, the others after their task. More are started as they are needed, or at once if
  // all of before had been started. Throws std::invalid_argument when workers < 1, ShutdownError, BrokenPoolError, and
  // std::system_error when a thread could not be started: then the pool has as many as there are.
  void resize(int workers);
  // resize(automatic): usable_cores().count * 5 workers, at once and, until another resize() or shutdown(), whenever that changes: by a
  // CPU quota of the control group, or the affinity mask of the program's main thread; looked at each second by a thread for that. Throws as
  // resize(int); of std::system_error the size is changed then, as far as there are threads, and not followed.
  void resize(Automatic);
  // resize(self_sizing{.min = 1, .max = 200}): the pool sizes itself from now on, until another resize() or shutdown(), on a thread for that
  // (worker_count.h): it starts with as many workers as there are usable cores. A task then costs two readings of the clock more. Throws as
  // resize(int), and std::invalid_argument unless 1 <= min <= max.
  void resize(const SelfSizing& bounds);
  // As asked for.
  [[nodiscard]] int workers() const;

  // Consistent at any moment: submitted == queued + running + done + failed + cancelled. What a future says has happened is counted.
  [[nodiscard]] PoolMetrics metrics() const;

 private:
  void check(const TaskOptions& options) const;
  std::size_t default_blocks() const {
    return static_cast<std::size_t>(std::max(1, workers()));
  }  // 0 workers: in a fork, where submit() throws

  template <class First, class Last, class F>
  auto submit_blocks(const TaskOptions* options, First first, Last last, F fn, std::size_t number) {
    using Bound = typename detail::BoundOf<First, Last>::type;
    constexpr bool kFits = std::invocable<const F&, Bound, Bound>;
    static_assert(
        kFits, "blocks(first, last, fn) calls one const fn(begin, end) with the bounds of a block: this fn does not take them");
    if constexpr (kFits) {
      using Function = detail::BlockFunction<F, Bound>;
      return detail::submit_blocks(core_, options, Function(std::move(fn)),
                                   detail::cut<Bound>(first, last, number != 0 ? number : default_blocks()));
    } else {
      return std::vector<Future<void>>();  // has not compiled
    }
  }

  template <class Callback, class Call>
  auto submit_task(const TaskOptions* options, Callback&& callback, Call call) {
    return detail::submit_call(core_, std::move(call), options, std::forward<Callback>(callback));
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
    constexpr bool kFits = std::invocable<const F&, std::ranges::range_value_t<Ranges>...>;
    static_assert(kFits, "map calls one const f with copies of the elements, as rvalues: this f does not take them");
    if constexpr (kFits) {
      using Function = detail::MapFunction<F, std::ranges::range_value_t<Ranges>...>;
      using R = typename Function::R;
      detail::check(options);
      const TaskOptions of_tasks{.group = options.group};
      check(of_tasks);
      const detail::Deadline deadline = options.timeout ? detail::deadline_after(*options.timeout) : detail::Deadline{};
      std::unique_ptr<detail::MapItems<R>> items;
      if (options.chunksize == 1) {
        using Items = detail::SubmittedItems<Function, Ranges...>;
        items =
            std::make_unique<Items>(core_, of_tasks, Function(std::move(f)), options.buffersize, std::forward<Ranges>(ranges)...);
      } else {
        using Chunks = detail::ThreadChunks<Function>;
        using Items = detail::ChunkedItems<R, Chunks, Ranges...>;
        items =
            std::make_unique<Items>(Chunks(core_, of_tasks, Function(std::move(f))), options, std::forward<Ranges>(ranges)...);
      }
      return MapResults<R>(std::move(items), deadline);
    } else {
      return MapResults<std::monostate>(nullptr, {});  // has not compiled
    }
  }

  detail::ThreadPoolRef core_;
};

}  // namespace pools
