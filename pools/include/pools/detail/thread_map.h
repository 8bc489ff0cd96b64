#pragma once

// map() of a thread pool: each item a task, or each chunk of them.

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/detail/chunked_items.h"
#include "pools/detail/forced_unwind.h"
#include "pools/detail/forks.h"
#include "pools/detail/task.h"
#include "pools/detail/thread_pool_ref.h"
#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/options.h"

namespace pools::detail {

// The function of a map and the elements that it is called with. One const object is called by several workers at a time.
template <class F, class... Values>
class MapFunction {
 public:
  using Arguments = std::tuple<Values...>;
  using Result = std::decay_t<std::invoke_result_t<const F&, Values...>>;
  using R = Stored<Result>;

  explicit MapFunction(F function) : function_(std::make_shared<const F>(std::move(function))) {}

  R operator()(Arguments& arguments) const {
    return std::apply(
        [this](Values&... values) -> R {
          if constexpr (std::is_void_v<Result>) {
            std::invoke(*function_, std::move(values)...);
            return {};
          } else {
            return std::invoke(*function_, std::move(values)...);
          }
        },
        arguments);
  }

 private:
  std::shared_ptr<const F> function_;
};

// Null where they ask for nothing: such tasks cost less.
inline const TaskOptions* options_of_tasks(const TaskOptions& options) noexcept {
  return options.group.empty() ? nullptr : &options;
}

// As ChunkedItems wants them.
template <class Function>
class ThreadChunks {
 public:
  using R = typename Function::R;
  using Chunk = std::vector<typename Function::Arguments>;

  ThreadChunks(ThreadPoolRef core, TaskOptions options, Function function)
      : core_(std::move(core)), options_(std::move(options)), function_(std::move(function)) {}

  Chunk open() const { return {}; }
  template <class... Elements>
  void add(Chunk& chunk, Elements&&... elements) const {
    chunk.emplace_back(std::forward<Elements>(elements)...);
  }
  Future<ChunkResult<R>> submit(Chunk chunk) const {
    return submit_call(
        core_,
        [function = function_, chunk = std::move(chunk)]() mutable {
          ChunkResult<R> results;
          results.reserve(chunk.size());
          for (auto& arguments : chunk) results.push_back(call(function, arguments));
          return results;
        },
        options_of_tasks(options_));
  }

 private:
  static ItemResult<R> call(const Function& function, typename Function::Arguments& arguments) {
    try {
      const EndsIfForked user;
      return ItemResult<R>(std::in_place_index<0>, function(arguments));
    } catch (ForcedUnwind&) {
      refuse_to_unwind("a task");
    } catch (...) {
      return ItemResult<R>(std::in_place_index<1>, std::current_exception());
    }
  }

  ThreadPoolRef core_;
  TaskOptions options_;
  Function function_;
};

// The items of a map of which each is a task of its own: the value lies in its future.
template <class Function, class... Ranges>
class SubmittedItems final : public MapItems<typename Function::R> {
 public:
  using R = typename Function::R;

  SubmittedItems(ThreadPoolRef core, TaskOptions options, Function function, std::size_t buffersize, Ranges&&... ranges)
      : core_(std::move(core)),
        options_(std::move(options)),
        function_(std::move(function)),
        buffersize_(buffersize),
        zip_(std::forward<Ranges>(ranges)...) {
    refill();
  }

  bool prepare() override {
    refill();
    return !futures_.empty();
  }
  const R& current(const Deadline& deadline) override {
    FutureState& state = FutureAccess::state(futures_.front());
    if (!state.wait(deadline)) throw TimeoutError();
    return futures_.front().result();
  }
  void pass() override { futures_.pop_front(); }
  void cancel_rest() noexcept override {
    exhausted_ = true;
    // The last first: the workers take from the front, so that nothing starts that is about to be cancelled.
    for (auto future = futures_.rbegin(); future != futures_.rend(); ++future) future->cancel();
  }

 private:
  void refill() {
    while (!exhausted_ && (buffersize_ == 0 || futures_.size() < buffersize_)) {
      if (zip_.at_end()) {
        exhausted_ = true;
      } else {
        futures_.push_back(
            zip_.next([this](auto&&... elements) { return submit(std::forward<decltype(elements)>(elements)...); }));
      }
    }
  }
  template <class... Elements>
  Future<R> submit(Elements&&... elements) const {
    using Arguments = typename Function::Arguments;
    return submit_call(
        core_,
        [function = function_, arguments = Arguments(std::forward<Elements>(elements)...)]() mutable {
          return function(arguments);
        },
        options_of_tasks(options_));
  }

  const ThreadPoolRef core_;
  const TaskOptions options_;
  const Function function_;
  const std::size_t buffersize_;
  Zip<Ranges...> zip_;
  std::deque<Future<R>> futures_;
  bool exhausted_ = false;
};

}  // namespace pools::detail
