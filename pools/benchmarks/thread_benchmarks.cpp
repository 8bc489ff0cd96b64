// ThreadPool: one external submitter; tasks are run by the workers only. All workers are started before the clock.

#include <benchmark/benchmark.h>
#include <sched.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "pools/benchmarks/micro_benchmarks.h"
#include "pools/benchmarks/peers/catalogue.h"
#include "pools/benchmarks/race_benchmarks.h"
#include "pools/benchmarks/sizes.h"
#include "pools/thread_pool.h"

namespace pools::benchmarks {
namespace {

constexpr int kBurst = 10'000;

int identity(int value) { return value; }

// How far a burst has come. On a cache line of its own, and without a wake-up that would be part of the measurement.
class Countdown {
 public:
  void tick() { left_.fetch_sub(1, std::memory_order_release); }
  void restart() { left_.store(kBurst, std::memory_order_relaxed); }
  void wait() const {
    while (left_.load(std::memory_order_acquire) > 0) ::sched_yield();
  }

 private:
  alignas(64) std::atomic<int> left_{kBurst};
};

std::unique_ptr<ThreadPool> started_pool(const benchmark::State& state, CallbackOn callbacks = CallbackOn::worker) {
  auto pool =
      std::make_unique<ThreadPool>(ThreadPoolOptions{.workers = static_cast<int>(state.range(0)), .callbacks = callbacks});
  pool->start_all();
  return pool;
}

void thread_post(benchmark::State& state) {
  const auto pool = started_pool(state);
  Countdown countdown;
  for (auto _ : state) {
    countdown.restart();
    for (int task = 0; task < kBurst; ++task) pool->post([&countdown] { countdown.tick(); });
    countdown.wait();
  }
  report_per_task(state, kBurst);
}

// Futures that nobody keeps.
void thread_submit(benchmark::State& state) {
  const auto pool = started_pool(state);
  Countdown countdown;
  for (auto _ : state) {
    countdown.restart();
    for (int task = 0; task < kBurst; ++task) pool->submit([&countdown] { countdown.tick(); });
    countdown.wait();
  }
  report_per_task(state, kBurst);
}

void thread_submit_and_result(benchmark::State& state) {
  const auto pool = started_pool(state);
  std::vector<Future<int>> futures;
  futures.reserve(kBurst);
  for (auto _ : state) {
    for (int task = 0; task < kBurst; ++task) futures.push_back(pool->submit<&identity>(task));
    for (const auto& future : futures) benchmark::DoNotOptimize(future.result());
    futures.clear();
  }
  report_per_task(state, kBurst);
}

// One task at a time through a pool with nothing else to do.
void thread_idle_round_trip(benchmark::State& state) {
  const auto pool = started_pool(state);
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<&identity>(1).result());
  report_per_task(state, 1);
}

void callback_delivery(benchmark::State& state, CallbackOn callbacks) {
  const auto pool = started_pool(state, callbacks);
  Countdown countdown;
  for (auto _ : state) {
    countdown.restart();
    for (int task = 0; task < kBurst; ++task) {
      pool->submit_with_callback<&identity>([&countdown](const Future<int>&) { countdown.tick(); }, task);
    }
    countdown.wait();
  }
  report_per_task(state, kBurst);
}
void thread_callback_on_worker(benchmark::State& state) { callback_delivery(state, CallbackOn::worker); }
void thread_callback_on_callback_thread(benchmark::State& state) { callback_delivery(state, CallbackOn::callback_thread); }

// On threads a chunksize has no effect: the series shows it.
void thread_map(benchmark::State& state) {
  const auto pool = started_pool(state);
  const std::vector<int> inputs(kBurst, 1);
  for (auto _ : state) {
    for (const int result : pool->map<&identity>(inputs, {.chunksize = static_cast<int>(state.range(1))})) {
      benchmark::DoNotOptimize(result);
    }
  }
  report_per_task(state, kBurst);
}
void map_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"workers", "chunksize"});
  for (const std::int64_t chunksize : {1, 10, 100}) benchmark->Args({usable_cores().count, chunksize});
}

// From nothing to every worker ready; the shutdown is not counted.
void thread_pool_start(benchmark::State& state) {
  for (auto _ : state) {
    std::optional<ThreadPool> pool(std::in_place, static_cast<int>(state.range(0)));
    pool->start_all();
    state.PauseTiming();
    pool.reset();
    state.ResumeTiming();
  }
}

}  // namespace

void register_benchmarks(const Effort& effort) {
  benchmark::RegisterBenchmark("thread_post", thread_post)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("thread_submit", thread_submit)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("thread_submit_and_result", thread_submit_and_result)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("thread_idle_round_trip", thread_idle_round_trip)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("thread_callback_on_worker", thread_callback_on_worker)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("thread_callback_on_callback_thread", thread_callback_on_callback_thread)
      ->Apply(worker_counts)
      ->UseRealTime();
  benchmark::RegisterBenchmark("thread_map", thread_map)->Apply(map_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("thread_pool_start", thread_pool_start)->Apply(worker_counts)->UseRealTime();
  register_race(thread_peers(), effort);
}

}  // namespace pools::benchmarks
