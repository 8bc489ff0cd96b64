#pragma once

// RemoteExecutor: how tasks are submitted to a pool whose workers are other processes, on this machine (ProcessPool) or on others (RemotePool).
// What takes a RemoteExecutor& works with either.
//
// Functions are named as template arguments (remote.h says which can be), arguments and results travel as bytes
// (detail/codec.h says which can).
//
// Thread safety: every member may be called from any thread, callbacks included.

#include <concepts>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pools/detail/refused.h"
#include "pools/detail/remote_map.h"
#include "pools/detail/remote_task.h"
#include "pools/detail/task_pool.h"
#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/options.h"
#include "pools/remote.h"
#include "pools/shared_buffer.h"

namespace pools {

// To be called first in main(). Opens descriptors 0 to 2 where they are closed; in a worker process, or an agent, it then serves the pool and
// exits.
void init(int& argc, char** argv);

class RemoteExecutor {
 public:
  RemoteExecutor(const RemoteExecutor&) = delete;
  RemoteExecutor& operator=(const RemoteExecutor&) = delete;

  // Runs Fn(args...) in a worker. Arguments are serialised before this returns; if that throws, the future holds the
  // exception. Throws ShutdownError after shutdown, BrokenPoolError when the pool is broken, QueueFullError if the queue is full and
  // when_full is reject (with block it waits).
  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return submit_task<Fn>(nullptr, nullptr, std::forward<Args>(args)...);
  }

  // Not in another process: refused, in words.
  template <class F, class... Args>
  void submit(F&&, Args&&...) {
    refuse_callable<F>();
  }

  // submit and add_done_callback as one step. The callback runs in this process on the pool's one callback thread, one at a
  // time in the order of completion, like all that are attached before their task is done.
  template <auto Fn, class Callback, class... Args>
  auto submit_with_callback(Callback&& callback, Args&&... args) {
    using R = detail::RemoteResult<Fn>;
    return submit_task<Fn>(nullptr, detail::FutureAccess::make_callback<R>(std::forward<Callback>(callback)),
                           std::forward<Args>(args)...);
  }

  // The pool with options for what is submitted through it: pool.with({.priority = 1}).submit<&fn>(args...). Throws std::invalid_argument.
  class WithOptions {
   public:
    template <auto Fn, class... Args>
    auto submit(Args&&... args) const {
      return pool_->submit_task<Fn>(&options_, nullptr, std::forward<Args>(args)...);
    }
    template <class F, class... Args>
    void submit(F&&, Args&&...) const {
      refuse_callable<F>();
    }
    template <auto Fn, class Callback, class... Args>
    auto submit_with_callback(Callback&& callback, Args&&... args) const {
      using R = detail::RemoteResult<Fn>;
      return pool_->submit_task<Fn>(&options_, detail::FutureAccess::make_callback<R>(std::forward<Callback>(callback)),
                                    std::forward<Args>(args)...);
    }

   private:
    friend class RemoteExecutor;
    WithOptions(RemoteExecutor& pool, const RemoteTaskOptions& options) : pool_(&pool), options_(options) {}
    RemoteExecutor* pool_;
    RemoteTaskOptions options_;
  };
  [[nodiscard]] WithOptions with(const RemoteTaskOptions& options) {
    check(options);
    return {*this, options};
  }

  // Fn over the elements of one to four ranges in step, to the end of the shortest; options.chunksize consecutive items travel
  // and run as one task, and their results come back together when its last one is done. All items are serialised and
  // submitted before this returns, unless options.buffersize bounds the look-ahead; then lvalue ranges must outlive the
  // results. An exception is that of its item alone; the death of a worker is that of all items of its chunk. Throws as submit,
  // std::invalid_argument for options out of range, and what the serialisation of an item throws.
  template <auto Fn, std::ranges::input_range A>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, MapOptions options = {}) {
    return map_zipped<Fn>(options, std::forward<A>(a));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, MapOptions options = {}) {
    return map_zipped<Fn>(options, std::forward<A>(a), std::forward<B>(b));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, C&& c,
                                                                                       MapOptions options = {}) {
    return map_zipped<Fn>(options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <auto Fn, std::ranges::input_range A, std::ranges::input_range B, std::ranges::input_range C,
            std::ranges::input_range D>
  [[nodiscard("dropping the results of a map cancels what has not started")]] auto map(A&& a, B&& b, C&& c, D&& d,
                                                                                       MapOptions options = {}) {
    return map_zipped<Fn>(options, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }

  template <class F, class... Ranges>
  void map(F&&, Ranges&&...) {
    refuse_callable<F>();
  }
  // What is neither a range nor the options.
  template <auto Fn, class... Ranges>
  requires(!(... &&
             (std::ranges::input_range<Ranges> || std::same_as<std::remove_cvref_t<Ranges>, MapOptions>))) void map(Ranges&&...) {
    static_assert(detail::kRefused<std::tuple<Ranges...>>, "map<&f>(ranges...) takes one to four ranges, such as std::vector");
  }

 protected:
  explicit RemoteExecutor(detail::TaskPoolRef pool) noexcept : pool_(std::move(pool)) {}
  ~RemoteExecutor() = default;

  void apply(const RemoteTaskOptions& options, detail::RemoteTask& task) const;

  const detail::TaskPoolRef pool_;

 private:
  template <class T>
  friend class Future;

  template <class F>
  static void refuse_callable() {
    static_assert(
        detail::kRefused<F>,
        "a ProcessPool is told the function as a template argument, submit<&f>(args...) or map<&f>(range): a callable object, and "
        "what it has captured, cannot travel to another process");
  }

  template <auto Fn, class... Args>
  auto submit_task(const RemoteTaskOptions* options, std::unique_ptr<detail::Completion> callback, Args&&... args) {
    using R = detail::RemoteResult<Fn>;
    detail::TaskRef task;
    Future<R> future = make_task<Fn>(pool_, task);
    task->message().limit_payload(pool_.max_payload());
    if (options != nullptr) apply(*options, *task);
    if (callback) task->state().attach_before_sharing(std::move(callback));
    try {
      detail::encode_arguments<Fn>(task->message().payload(), std::forward<Args>(args)...);
    } catch (...) {
      task->fail_unstarted(std::current_exception());
      return future;
    }
    pool_.submit(task);
    return future;
  }

  void check(const RemoteTaskOptions& options) const;

  template <auto Fn>
  static auto make_task(const detail::TaskPoolRef& pool, detail::TaskRef& task) {
    using R = detail::RemoteResult<Fn>;
    auto* const made = new detail::DecodedTask<R, &detail::decode_value<R>>(detail::trampoline_key<&detail::call_remotely<Fn>>(),
                                                                            detail::function_name<Fn>());
    task.reset(made);
    made->set_sink(pool.sink());
    return detail::FutureAccess::share<R>(made);
  }

  // The continuation of a then_in: takes the value of a future that is done to Fn in this pool.
  template <auto Fn, class T>
  struct HandOver;

  template <auto Fn, class... Ranges>
  auto map_zipped(const MapOptions& options, Ranges&&... ranges) {
    detail::check(options);
    const detail::Deadline deadline = options.timeout ? detail::deadline_after(*options.timeout) : detail::Deadline{};
    using R = detail::RemoteResult<Fn>;
    using Items = detail::ChunkedItems<R, detail::RemoteChunks<Fn>, Ranges...>;
    return MapResults<R>(std::make_unique<Items>(detail::RemoteChunks<Fn>(pool_, options.group), options,
                                                 std::forward<Ranges>(ranges)...),
                         deadline);
  }
};

template <auto Fn, class T>
struct RemoteExecutor::HandOver final : detail::Completion {
  HandOver(detail::TaskPoolRef to, detail::TaskRef made) : pool(std::move(to)), task(std::move(made)) {}
  ~HandOver() override {
    if (!task) return;
    // Not submitted: cancelled, or the future to be continued is gone and was never done. The task must not outlive the core undone.
    try {
      throw Error("the future that this one was to continue was dropped before it was done");
    } catch (...) {
      task->fail_unstarted(std::current_exception());
    }
  }

  void run(detail::FutureState& from) noexcept override {
    if (task->state().done()) return;  // cancelled meanwhile: no worker need start for it
    try {
      if (from.cancelled()) throw CancelledError();
      if (from.error()) std::rethrow_exception(from.error());
      task->message().limit_payload(pool.max_payload());
      detail::Bytes& arguments = task->message().payload();
      if constexpr (std::is_void_v<T>) {
        detail::encode_arguments<Fn>(arguments);
      } else {
        detail::encode_arguments<Fn>(arguments, std::as_const(static_cast<detail::ValueState<T>&>(from).value()));
      }
      pool.submit(task, false);
    } catch (...) {
      task->fail_unstarted(std::current_exception());
    }
  }

  detail::TaskPoolRef pool;  // what is inside; the pool itself may be gone by then
  detail::TaskRef task;
};

template <class T>
template <auto Fn>
auto Future<T>::then_in(RemoteExecutor& parsers) const {
  shared_state().require_completion_here();
  parsers.pool_.require_own_process("the process pool that is to go on with a result");
  detail::TaskRef task;
  auto future = RemoteExecutor::make_task<Fn>(parsers.pool_, task);
  std::unique_ptr<detail::Completion> hand_over =
      std::make_unique<RemoteExecutor::HandOver<Fn, T>>(parsers.pool_, std::move(task));
  if (!state_->try_add_continuation(hand_over)) hand_over->run(*state_);
  return future;
}

}  // namespace pools
