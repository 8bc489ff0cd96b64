#pragma once

// blocks() and for_each_block() of a thread pool.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/detail/blocks.h"
#include "pools/detail/thread_pool_ref.h"
#include "pools/errors.h"
#include "pools/future.h"

namespace pools::detail {

// One const object is called by several workers at a time.
template <class F, class Bound>
class BlockFunction {
 public:
  using R = std::decay_t<std::invoke_result_t<const F&, Bound, Bound>>;

  explicit BlockFunction(F function) : function_(std::make_shared<const F>(std::move(function))) {}
  R operator()(Bound begin, Bound end) const { return std::invoke(*function_, std::move(begin), std::move(end)); }

 private:
  std::shared_ptr<const F> function_;
};

// Of those not begun, the last first: the workers take from the front.
template <class T>
void cancel_all(const std::vector<Future<T>>& futures) {
  for (auto future = futures.rbegin(); future != futures.rend(); ++future) future->cancel();
}

// If one cannot be submitted, none runs any more when this throws: what they refer to may go.
template <class Function, class Bound>
std::vector<Future<typename Function::R>> submit_blocks(const ThreadPoolRef& core, const TaskOptions* options,
                                                        const Function& function, const Blocks<Bound>& cut) {
  std::vector<Future<typename Function::R>> futures;
  futures.reserve(cut.number());
  try {
    for (std::size_t block = 0; block < cut.number(); ++block) {
      futures.push_back(submit_call(
          core,
          [function, begin = cut.begin(block), end = cut.end(block)]() mutable {
            return function(std::move(begin), std::move(end));
          },
          options));
    }
  } catch (...) {
    cancel_all(futures);
    wait(futures, std::chrono::nanoseconds::max());
    throw;
  }
  return futures;
}

template <class T>
void finish_blocks(const std::vector<Future<T>>& futures) {
  try {
    wait(futures);
  } catch (const DeadlockError&) {  // those that run wait for this thread: it cannot wait for them
    cancel_all(futures);
    throw;
  } catch (...) {
    cancel_all(futures);
    wait(futures, std::chrono::nanoseconds::max());
    throw;
  }
  for (const Future<T>& future : futures) future.result();
}

}  // namespace pools::detail
