#pragma once

// std::async: a thread per task. Whoever drops the future waits for the thread, so that a detached task is one whose future is kept until
// drain(); and each keeps a stack, of which a process has room for some ten thousand.

#include <future>
#include <utility>
#include <vector>

#include "contenders/contender.h"

namespace contenders {

struct StdAsync : Defaults {
  static constexpr ExecutedBy kExecutedBy = ExecutedBy::thread_per_task;
  static constexpr std::int64_t kMostTasks = 10'000;

  explicit StdAsync(int /*workers*/) {}

  template <class F>
  void post(F f) {
    posted.push_back(std::async(std::launch::async, std::move(f)));
  }
  template <class F>
  std::future<int> submit(F f) {
    return std::async(std::launch::async, std::move(f));
  }
  void drain() { posted.clear(); }

  static inline thread_local std::vector<std::future<void>> posted;
};

}  // namespace contenders
