#include "pools/benchmarks/peers/process_peers.h"

#include <benchmark/benchmark.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/bursts.h"
#include "pools/benchmarks/peers/granularity.h"
#include "pools/benchmarks/peers/machine.h"
#include "pools/cores.h"
#include "pools/process_pool.h"

namespace pools::benchmarks {
namespace {

using Payload = std::vector<std::uint8_t>;
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr int kEchoesInFlight = 32;

int identity(int value) { return value; }
int spin_once(std::int64_t rounds) {
  spin(rounds);
  return 1;
}
Payload echo(Payload bytes) { return bytes; }

struct Started {
  explicit Started(int workers) : pool(workers) { pool.start_all(); }
  ProcessPool pool;
};

Measured measured(double value, std::int64_t tasks, double seconds) {
  return {.value = value, .tasks = tasks, .producer_share = 0, .seconds = seconds};
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// --- throughput -------------------------------------------------------------------------------------------------------

// Of so many tasks that return 1, each future kept and then waited for.
template <class Submit>
double seconds_of(std::int64_t tasks, const Submit& submit) {
  std::vector<Future<int>> futures = touched_room<Future<int>>(tasks);
  const Clock::time_point begin = Clock::now();
  for (std::int64_t task = 0; task < tasks; ++task) futures.push_back(submit());
  std::int64_t sum = 0;
  for (Future<int>& future : futures) sum += std::move(future).result();
  futures.clear();
  const double seconds = seconds_since(begin);
  require(sum == tasks, "a result of the pool is wrong");
  return seconds;
}

double pipelined_seconds(ProcessPool& pool, std::int64_t tasks) {
  return seconds_of(tasks, [&pool] { return pool.submit<&identity>(1); });
}

// ns per empty task whose future is kept and then waited for.
Measured pipelined(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  const auto burst = [&](std::int64_t tasks) { return pipelined_seconds(started.pool, tasks); };
  const std::int64_t tasks = fitting_tasks(effort, effort.tasks, burst);
  const double seconds = burst(tasks);
  return measured(seconds * 1e9 / static_cast<double>(tasks), tasks, seconds);
}

// ns per item of a map whose chunks have 100.
Measured map_in_chunks(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  const auto burst = [&](std::int64_t items) {
    const std::vector<int> inputs(static_cast<std::size_t>(items), 1);
    const Clock::time_point begin = Clock::now();
    std::int64_t sum = 0;
    for (const int result : started.pool.map<&identity>(inputs, {.chunksize = 100})) sum += result;
    const double seconds = seconds_since(begin);
    require(sum == items, "a result of the map is wrong");
    return seconds;
  };
  const std::int64_t items = fitting_tasks(effort, effort.tasks, burst);
  const double seconds = burst(items);
  return measured(seconds * 1e9 / static_cast<double>(items), items, seconds);
}

// ns per MiB that is sent to a worker and comes back, 32 on their way at a time.
Measured echo_1mib(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  const Payload bytes(kMiB, 7);
  std::vector<Future<Payload>> futures = touched_room<Future<Payload>>(kEchoesInFlight);
  const auto burst = [&](std::int64_t rounds) {
    const Clock::time_point begin = Clock::now();
    for (std::int64_t round = 0; round < rounds; ++round) {
      for (int sent = 0; sent < kEchoesInFlight; ++sent) futures.push_back(started.pool.submit<&echo>(bytes));
      for (Future<Payload>& future : futures) {
        const Payload back = std::move(future).result();
        require(back.size() == kMiB && back.front() == 7 && back.back() == 7, "an echo is wrong");
      }
      futures.clear();
    }
    return seconds_since(begin);
  };
  Effort few = effort;
  few.at_least = 1;
  const std::int64_t rounds = fitting_tasks(few, std::max<std::int64_t>(1, effort.tasks / kEchoesInFlight), burst);
  const double seconds = burst(rounds);
  return measured(seconds * 1e9 / static_cast<double>(rounds * kEchoesInFlight), rounds * kEchoesInFlight, seconds);
}

// ns per copy of 1 MiB between buffers that are there.
Measured copy_1mib(const Entry&, const Effort& effort) {
  const Payload from(kMiB, 7);
  Payload to(kMiB, 0);
  const auto burst = [&](std::int64_t copies) {
    const Clock::time_point begin = Clock::now();
    for (std::int64_t copy = 0; copy < copies; ++copy) {
      std::memcpy(to.data(), from.data(), kMiB);
      benchmark::DoNotOptimize(to.data());
      benchmark::ClobberMemory();
    }
    return seconds_since(begin);
  };
  const std::int64_t copies = fitting_tasks(effort, effort.tasks, burst);
  const double seconds = burst(copies);
  return measured(seconds * 1e9 / static_cast<double>(copies), copies, seconds);
}

// --- latency ----------------------------------------------------------------------------------------------------------

double round_trips_seconds(ProcessPool& pool, std::int64_t trips) {
  const Clock::time_point begin = Clock::now();
  std::int64_t sum = 0;
  for (std::int64_t trip = 0; trip < trips; ++trip) sum += pool.submit<&identity>(1).result();
  const double seconds = seconds_since(begin);
  require(sum == trips, "a result of the pool is wrong");
  return seconds;
}

Measured round_trip(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  const auto burst = [&](std::int64_t trips) { return round_trips_seconds(started.pool, trips); };
  Effort few = effort;  // as in the threads' scenario
  few.at_least = std::min<std::int64_t>(effort.at_least, 100);
  const std::int64_t trips = fitting_tasks(few, effort.tasks, burst);
  const double seconds = burst(trips);
  return measured(seconds * 1e9 / static_cast<double>(trips), trips, seconds);
}

Measured round_trip_after_1ms(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  round_trips_seconds(started.pool, std::min<std::int64_t>({effort.at_least, effort.tasks, 100}));
  const std::int64_t trips = std::clamp<std::int64_t>(static_cast<std::int64_t>(effort.seconds / 1.1e-3), 1, effort.tasks);
  std::vector<double> each = touched_room<double>(trips);
  const Clock::time_point begin = Clock::now();
  for (std::int64_t trip = 0; trip < trips; ++trip) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    each.push_back(round_trips_seconds(started.pool, 1) * 1e9);
  }
  return measured(median(std::move(each)), trips, seconds_since(begin));
}

// ns from nothing to a pool whose workers are all ready: the median of five.
Measured start(const Entry& entry, const Effort&) {
  std::vector<double> each;
  double seconds = 0;
  for (int time = 0; time < 5; ++time) {
    const Clock::time_point begin = Clock::now();
    const Started started(entry.workers);
    each.push_back(seconds_since(begin) * 1e9);
    seconds += each.back() * 1e-9;
  }
  return measured(median(each), 5, seconds);
}

// --- the rest ---------------------------------------------------------------------------------------------------------

// As the threads' scenario of that name; the CPU time of the workers counts as well.
Measured idle_cpu(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  pipelined_seconds(started.pool, 1000);
  round_trips_seconds(started.pool, 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const std::vector<pid_t> workers = started.pool.worker_pids();
  const Clock::time_point begin = Clock::now();
  const CpuOfThreads threads_before = cpu_seconds_of_other_threads();
  const double workers_before = cpu_seconds_of(workers);
  std::this_thread::sleep_for(std::chrono::duration<double>(effort.scale));
  const double cpu =
      cpu_seconds_between(threads_before, cpu_seconds_of_other_threads()) + cpu_seconds_of(workers) - workers_before;
  const double seconds = seconds_since(begin);
  return measured(cpu * 1e9 / seconds, 1100, seconds);
}

// ns that delivery to a callback in this process adds to a task: the median difference of bursts with and without.
Measured callback(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  ProcessPool& pool = started.pool;
  alignas(64) std::atomic<std::int64_t> delivered{0};  // by the one callback thread
  const auto burst = [&](std::int64_t tasks) {
    std::vector<Future<int>> futures = touched_room<Future<int>>(tasks);
    const std::int64_t before = delivered.load(std::memory_order_relaxed);
    const Clock::time_point begin = Clock::now();
    for (std::int64_t task = 0; task < tasks; ++task) {
      futures.push_back(pool.submit_with_callback<&identity>(
          // One writer: no read-modify-write. Release: what the loop below waits for.
          [&delivered](const Future<int>&) {
            delivered.store(delivered.load(std::memory_order_relaxed) + 1, std::memory_order_release);
          },
          1));
    }
    std::int64_t sum = 0;
    for (Future<int>& future : futures) sum += std::move(future).result();
    futures.clear();
    while (delivered.load(std::memory_order_acquire) - before < tasks) std::this_thread::sleep_for(std::chrono::microseconds(50));
    const double seconds = seconds_since(begin);
    require(sum == tasks && delivered.load(std::memory_order_acquire) - before == tasks,
            "a callback came twice or a result is wrong");
    return seconds;
  };
  const std::int64_t tasks = std::max<std::int64_t>(1, fitting_tasks(effort, effort.tasks, burst) / 20);
  std::vector<double> differences;
  double seconds = 0;
  for (int pair = 0; pair < 10; ++pair) {
    const double without = pipelined_seconds(pool, tasks);
    const double with = burst(tasks);
    differences.push_back((with - without) * 1e9 / static_cast<double>(tasks));
    seconds += with;
  }
  return measured(median(std::move(differences)), 10 * tasks, seconds);
}

// METG(50 %), as for threads.
Measured metg(const Entry& entry, const Effort& effort) {
  Started started(entry.workers);
  const int cores = std::min(entry.workers, usable_cores().count);
  double seconds = 0;
  std::int64_t tasks = 0;
  const auto efficiency = [&](double ns) {
    tasks = scenarios::tasks_of_grain(ns, cores, effort, effort.tasks);
    seconds = seconds_of(tasks, [&, rounds = scenarios::rounds_of(ns)] { return started.pool.submit<&spin_once>(rounds); });
    return static_cast<double>(tasks) * ns / (seconds * 1e9 * cores);
  };
  const double grain = scenarios::metg_of(efficiency);
  return measured(grain, tasks, seconds);
}

}  // namespace

const std::vector<ProcessPeer>& process_peers() {
  static const std::vector<ProcessPeer> all{
      {.name = "process_pool",
       .runs = {{"process_pipelined", "ns/task", Entries::cores_and_ten_times, &pipelined},
                {"process_round_trip", "ns", Entries::cores, &round_trip},
                {"process_metg", "ns", Entries::cores, &metg},
                {"process_round_trip_after_1ms", "ns", Entries::cores, &round_trip_after_1ms},
                {"process_map_100", "ns/task", Entries::cores, &map_in_chunks},
                {"process_echo_1mib", "ns/task", Entries::cores, &echo_1mib},
                {"process_start", "ns", Entries::two, &start},
                {"process_idle_cpu", "ns/s", Entries::cores_and_ten_times, &idle_cpu},
                {"process_callback", "ns/task", Entries::cores, &callback}}},
      {.name = "memcpy",
       .executed_by = ExecutedBy::caller,
       .runs = {{"process_echo_1mib", "ns/task", Entries::cores, &copy_1mib}}},
  };
  return all;
}

}  // namespace pools::benchmarks
