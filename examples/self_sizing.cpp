// A pool that sizes itself: as many workers as its tasks need that wait, no more than cores for those that compute.

#include <cstdio>
#include <latch>
#include <stdexcept>
#include <vector>

#include "pools/thread_pool.h"

int main() {
  pools::ThreadPool pool({.workers = pools::self_sizing{.min = 1, .max = 50}});

  // Each waits until all are there: with a number of workers that is too small that would be for ever.
  std::latch all(20);
  std::vector<pools::Future<void>> waits;
  for (int task = 0; task < 20; ++task) waits.push_back(pool.submit([&all] { all.arrive_and_wait(); }));
  for (const auto& wait : waits) wait.result();

  const pools::PoolMetrics metrics = pool.metrics();
  std::printf("at least 20 workers: %d, it waited more than it computed: %d\n", metrics.sizing->workers >= 20,
              metrics.sizing->waited > metrics.sizing->computed);

  pool.resize(4);  // a number ends it
  std::printf("%d workers, sizes itself: %d\n", pool.workers(), pool.metrics().sizing.has_value());
  try {
    pool.resize(pools::self_sizing{.min = 8, .max = 4});
  } catch (const std::invalid_argument& error) {
    std::printf("%s\n", error.what());
  }
}
