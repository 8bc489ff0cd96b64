#pragma once

// oneTBB, as a pool is used: task_arena::enqueue.

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <future>
#include <memory>
#include <utility>

#include "contenders/contender.h"

namespace contenders {

struct OneTbb : Defaults {
  // No slot of the arena is for a producer; the control counts one thread that is none of its workers.
  explicit OneTbb(int workers)
      : threads(oneapi::tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(workers + 1)), arena(workers, 0) {}

  template <class F>
  void post(F f) {
    arena.enqueue(std::move(f));
  }
  template <class F>
  std::future<int> submit(F f) {
    auto promise = std::make_shared<std::promise<int>>();
    std::future<int> future = promise->get_future();
    arena.enqueue([promise = std::move(promise), f] { promise->set_value(f()); });
    return future;
  }

  oneapi::tbb::global_control threads;
  oneapi::tbb::task_arena arena;
};

}  // namespace contenders
