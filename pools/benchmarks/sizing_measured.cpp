// The last table of docs/self_sizing.md: real pools that size themselves beside the same pools with fixed sizes. Prints Markdown, a row per kind of pool
// and load: tasks per second of the best fixed size and of the pool that sizes itself, both from 2 s after their start on.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

#include "pools/benchmarks/sizing.h"
#include "pools/cores.h"
#include "pools/process_pool.h"
#include "pools/thread_pool.h"

namespace pools::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr double kCompute = 0.005;  // s, mean
constexpr int kMost = 200;

// Waits and computes twice, each exponentially distributed around its mean: of the seed alone, so that all pools have the same tasks.
int work(std::uint32_t seed, double wait, double compute) {
  std::mt19937 random(seed);
  std::exponential_distribution<> of_mean_one(1);
  for (int piece = 0; piece < 2; ++piece) {
    std::this_thread::sleep_for(std::chrono::duration<double>(wait / 2 * of_mean_one(random)));
    const double until = compute / 2 * of_mean_one(random);
    const auto computed = [] {
      timespec now{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
      return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
    };
    for (const double begin = computed(); computed() - begin < until;) {
    }
  }
  return 0;
}

struct Measured {
  double rate = 0;     // tasks per second
  double changes = 0;  // of the size, per second
  int size = 0;
};

// Always 2 * kMost tasks in the pool or its queue.
template <class Pool>
Measured measure(Pool& pool, double ratio, std::chrono::seconds length) {
  const auto changes = [&pool] { return pool.metrics().sizing.value_or(SizingMetrics{}).changes; };
  std::uint32_t seed = 0;
  std::vector<Future<int>> flight;
  const auto submit = [&] { return pool.template submit<&work>(++seed, ratio * kCompute, kCompute); };
  for (int task = 0; task < 2 * kMost; ++task) flight.push_back(submit());
  const auto begin = Clock::now();
  std::uint64_t ended_at_start = 0;
  std::uint64_t changes_at_start = 0;
  bool warm = false;
  std::size_t at = 0;
  while (Clock::now() < begin + 2s + length) {
    flight[at].result();
    flight[at] = submit();
    at = (at + 1) % flight.size();
    if (warm || Clock::now() < begin + 2s) continue;
    warm = true;
    const PoolMetrics metrics = pool.metrics();
    ended_at_start = metrics.done;
    changes_at_start = changes();
  }
  const double seconds = std::chrono::duration<double>(length).count();
  const Measured measured{.rate = static_cast<double>(pool.metrics().done - ended_at_start) / seconds,
                          .changes = static_cast<double>(changes() - changes_at_start) / seconds,
                          .size = pool.workers()};
  pool.shutdown({.cancel_futures = true});
  return measured;
}

template <class Pool, class Options>
void print_rows(const char* name) {
  const int cores = usable_cores().count;
  for (const double ratio : {0.01, 0.25, 1.0, 4.0, 9.0, 39.0}) {
    Measured best;
    const auto run = [&](WorkerCount workers) {
      Options options;
      options.workers = workers;
      Pool pool(std::move(options));
      return measure(pool, ratio, 8s);
    };
    for (const double share : {0.7, 1.0, 1.25, 1.5, 2.0, 3.0}) {
      const int size = std::clamp(static_cast<int>(std::lround(share * cores * (1 + ratio))), cores, kMost);
      const Measured fixed = run(size);
      if (fixed.rate > best.rate) best = fixed;
    }
    const Measured own = run(self_sizing{.min = 1, .max = kMost});
    std::printf("| %s | %g | %d | %.0f | %d | %.0f | %.1f %% | %.2f |\n", name, ratio, best.size, best.rate, own.size, own.rate,
                100 * (best.rate / own.rate - 1), own.changes);
    std::fflush(stdout);
  }
}

}  // namespace

void print_measured() {
  std::printf(
      "| pool | W/C | best fixed size | tasks/s | its own | tasks/s | regret | changes/s |\n|---|---|---|---|---|---|---|---|\n");
  print_rows<ThreadPool, ThreadPoolOptions>("ThreadPool");
  print_rows<ProcessPool, ProcessPoolOptions>("ProcessPool");
}

}  // namespace pools::benchmarks
