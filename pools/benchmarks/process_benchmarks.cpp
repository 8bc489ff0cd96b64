// ProcessPool: one external submitter, all workers started before the clock. process_payload_echo moves its bytes four times
// through shared memory, twice each way: per iteration, bytes are counted once.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "pools/benchmarks/micro_benchmarks.h"
#include "pools/benchmarks/peers/process_peers.h"
#include "pools/benchmarks/race_benchmarks.h"
#include "pools/benchmarks/sizes.h"
#include "pools/process_pool.h"
#include "pools/shared_buffer.h"
#include "pools/src/process/os/file_descriptor.h"
#include "pools/src/process/os/spawn.h"

namespace pools::benchmarks {
namespace {

constexpr int kBurst = 10'000;

int identity(int value) { return value; }
std::vector<std::uint8_t> echo(std::vector<std::uint8_t> bytes) { return bytes; }
std::uint8_t last_of(std::span<const std::uint8_t> bytes) { return bytes.back(); }
std::uint8_t last_of_copy(const std::vector<std::uint8_t>& bytes) { return bytes.back(); }
using Shared = SharedArray<std::uint8_t>;
Shared touch_both_ends(Shared bytes) {
  ++bytes[0];
  ++bytes[bytes.size() - 1];
  return bytes;
}
void touch_in_place(const Shared& bytes) { ++bytes[bytes.size() - 1]; }

std::unique_ptr<ProcessPool> started_pool(const benchmark::State& state) {
  auto pool = std::make_unique<ProcessPool>(static_cast<int>(state.range(0)));
  pool->start_all();
  return pool;
}

void process_submit_and_result(benchmark::State& state) {
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
void process_idle_round_trip(benchmark::State& state) {
  const auto pool = started_pool(state);
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<&identity>(1).result());
  report_per_task(state, 1);
}

// To the callback thread of this process.
void process_callback(benchmark::State& state) {
  const auto pool = started_pool(state);
  std::atomic<int> left{0};
  for (auto _ : state) {
    left.store(kBurst, std::memory_order_relaxed);
    for (int task = 0; task < kBurst; ++task) {
      pool->submit_with_callback<&identity>([&left](const Future<int>&) { left.fetch_sub(1, std::memory_order_release); }, task);
    }
    while (left.load(std::memory_order_acquire) > 0) ::sched_yield();
  }
  report_per_task(state, kBurst);
}

void process_map(benchmark::State& state) {
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
  for (const std::int64_t chunksize : {1, 10, 100, 1000}) benchmark->Args({usable_cores().count, chunksize});
}

void process_payload_echo(benchmark::State& state) {
  const auto pool = started_pool(state);
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(1)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<&echo>(bytes).result().data());
  state.SetBytesProcessed(state.iterations() * state.range(1));
}
void payload_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"workers", "bytes"});
  for (std::int64_t bytes = 16; bytes <= std::int64_t{16} << 20; bytes *= 16) benchmark->Args({1, bytes});
}

// An argument that the worker only looks at: where it arrived, or as a copy. Bytes are counted once.
template <auto Fn>
void process_argument(benchmark::State& state) {
  const auto pool = started_pool(state);
  const std::vector<std::uint8_t> bytes(static_cast<std::size_t>(state.range(1)), 1);
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<Fn>(bytes).result());
  state.SetBytesProcessed(state.iterations() * state.range(1));
}

// Shared memory that the worker writes to and returns; or does not return.
void process_shared_echo(benchmark::State& state) {
  const auto pool = started_pool(state);
  const Shared bytes(static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) benchmark::DoNotOptimize(pool->submit<&touch_both_ends>(bytes).result().data());
  report_per_task(state, 1);
}
void process_shared_in_place(benchmark::State& state) {
  const auto pool = started_pool(state);
  const Shared bytes(static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) pool->submit<&touch_in_place>(bytes).result();
  report_per_task(state, 1);
}
void shared_sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"workers", "bytes"});
  for (const std::int64_t bytes : {std::int64_t{1} << 20, std::int64_t{1} << 30}) benchmark->Args({1, bytes});
}

// From nothing to every worker ready; the shutdown is not counted.
void process_pool_start(benchmark::State& state) {
  for (auto _ : state) {
    std::optional<ProcessPool> pool(std::in_place, static_cast<int>(state.range(0)));
    pool->start_all();
    state.PauseTiming();
    pool.reset();
    state.ResumeTiming();
  }
}

// Until the new image is executed: what the pool waits for between two workers that it starts.
void process_spawn(benchmark::State& state) {
  const detail::FileDescriptor null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  for (auto _ : state) {
    std::optional<Child> child(spawn({.arguments = {"--help"}, .stdout_fd = null.get(), .stderr_fd = null.get()}));
    state.PauseTiming();
    child.reset();  // killed and reaped
    state.ResumeTiming();
  }
}

}  // namespace

void register_benchmarks(const Effort& effort) {
  benchmark::RegisterBenchmark("process_submit_and_result", process_submit_and_result)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("process_idle_round_trip", process_idle_round_trip)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("process_callback", process_callback)->Apply(worker_counts)->UseRealTime();
  benchmark::RegisterBenchmark("process_map", process_map)->Apply(map_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_payload_echo", process_payload_echo)->Apply(payload_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_argument_viewed", process_argument<&last_of>)->Apply(payload_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_argument_copied", process_argument<&last_of_copy>)->Apply(payload_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_shared_echo", process_shared_echo)->Apply(shared_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_shared_in_place", process_shared_in_place)->Apply(shared_sizes)->UseRealTime();
  benchmark::RegisterBenchmark("process_pool_start", process_pool_start)
      ->Apply(worker_counts)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("process_spawn", process_spawn)->Unit(benchmark::kMicrosecond)->UseRealTime();
  register_race(process_peers(), effort);
}

}  // namespace pools::benchmarks
