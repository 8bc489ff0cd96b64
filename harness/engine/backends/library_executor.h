#pragma once

// What executors on this project's own pools have in common: the seam of strategies (strategies/executor.h), handed on to the pool.

#include <algorithm>
#include <utility>

#include "harness/core/factors.h"
#include "pools/map_results.h"

namespace harness {

template <class Pool>
class LibraryExecutor {
 public:
  static constexpr bool kHasMap = true;
  static constexpr bool kBoundedQueue = true;

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return pool_.template submit<Fn>(std::forward<Args>(args)...);
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback&& callback, Args&&... args) {
    pool_.template submit_with_callback<Fn>(std::forward<Callback>(callback), std::forward<Args>(args)...);
  }
  template <auto Fn, class Range>
  auto map(const Range& items, int chunksize) {
    return pool_.template map<Fn>(items, pools::MapOptions{.chunksize = chunksize});
  }

  void shutdown() { pool_.shutdown(); }
  static int tasks_at_once(const Factors& factors) { return std::min(factors.workers, factors.tasks); }

 protected:
  template <class Options>
  explicit LibraryExecutor(Options options) : pool_(std::move(options)) {
    pool_.start_all();
  }

  Pool pool_;
};

}  // namespace harness
