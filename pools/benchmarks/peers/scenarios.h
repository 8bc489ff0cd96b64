#pragma once

// The scenarios of the race between thread pools, each a function of a peer. All workers are there and warm before the clock.

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <latch>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/bursts.h"
#include "pools/benchmarks/peers/machine.h"
#include "pools/cores.h"

namespace pools::benchmarks::scenarios {

// --- throughput -------------------------------------------------------------------------------------------------------

// A multiple of the producers, and at least one task each.
inline std::int64_t shared_evenly(std::int64_t tasks, int producers) {
  return std::max<std::int64_t>(1, tasks / producers) * producers;
}

// ns per empty task without a future.
template <Peer P>
Measured detached(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  const auto burst = [&](std::int64_t tasks) {
    return burst_of_posts(pool, entry.producers, shared_evenly(tasks, entry.producers));
  };
  const std::int64_t tasks = fitting_tasks(effort, P::kMostTasks, [&](std::int64_t warm) { return burst(warm).seconds; });
  const Burst timed = burst(tasks);
  return timed.measured(timed.ns_per_task());
}

// ns per empty task whose future is kept and then waited for.
template <Peer P>
Measured future(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  const auto burst = [&](std::int64_t tasks) {
    return burst_of_submits(pool, entry.producers, shared_evenly(tasks, entry.producers), submit_empty);
  };
  const std::int64_t tasks = fitting_tasks(effort, P::kMostTasks, [&](std::int64_t warm) { return burst(warm).seconds; });
  const Burst timed = burst(tasks);
  return timed.measured(timed.ns_per_task());
}

// --- latency ----------------------------------------------------------------------------------------------------------

// `trips` times: submit one task to an idle pool and wait for it.
template <Peer P>
Burst round_trips(P& pool, std::int64_t trips) {
  const Executions before = executions();
  double seconds = 0;
  together(pool, 1, [&](int) {
    const Clock::time_point begin = Clock::now();
    for (std::int64_t trip = 0; trip < trips; ++trip) pool.result(submit_empty(pool));
    seconds = seconds_since(begin);
  });
  return {.seconds = seconds, .ran = exactly(trips, before)};
}

// ns per round trip, one after the other.
template <Peer P>
Measured round_trip(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  Effort few = effort;  // a trip may take as long as the scheduler's slice
  few.at_least = std::min<std::int64_t>(effort.at_least, 100);
  const std::int64_t trips = fitting_tasks(few, effort.tasks, [&](std::int64_t warm) { return round_trips(pool, warm).seconds; });
  const Burst timed = round_trips(pool, trips);
  return timed.measured(timed.ns_per_task());
}

// Median ns of a round trip, each after everybody has been idle for 1 ms.
template <Peer P>
Measured round_trip_after_1ms(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  round_trips(pool, std::min<std::int64_t>({effort.at_least, effort.tasks, 100}));
  const std::int64_t trips = std::clamp<std::int64_t>(static_cast<std::int64_t>(effort.seconds / 1.1e-3), 1, effort.tasks);
  std::vector<double> each = touched_room<double>(trips);
  const Executions before = executions();
  const Clock::time_point begin = Clock::now();
  together(pool, 1, [&](int) {
    for (std::int64_t trip = 0; trip < trips; ++trip) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const Clock::time_point sent = Clock::now();
      pool.result(submit_empty(pool));
      each.push_back(seconds_since(sent) * 1e9);
    }
  });
  const Burst timed{.seconds = seconds_since(begin), .ran = exactly(trips, before)};
  return timed.measured(median(std::move(each)));
}

// --- makespan ---------------------------------------------------------------------------------------------------------

// Posts `tasks` times `work`, from the first post until the last is done. The last wakes the waiter: here nothing polls beside
// the workers, and a counter that all share is nothing beside tasks of 100 us and more.
template <Peer P, class Work>
Burst makespan(P& pool, std::int64_t tasks, const Work& work) {
  std::latch done(tasks);
  const Executions before = executions();
  double seconds = 0;
  together(pool, 1, [&](int) {
    const Clock::time_point begin = Clock::now();
    for (std::int64_t task = 0; task < tasks; ++task) {
      pool.post([&done, &work] {
        work();
        count_execution();
        done.count_down();
      });
    }
    pool.drain();
    done.wait();
    seconds = seconds_since(begin);
  });
  return {.seconds = seconds, .ran = exactly(tasks, before)};
}

// Threads that run tasks: a producer that helps is one of them.
template <Peer P>
int executors(const Entry& entry) {
  return entry.workers + (P::kExecutedBy == ExecutedBy::helping ? entry.producers : 0);
}

inline std::int64_t scaled(std::int64_t tasks, const Effort& effort) {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(tasks) * effort.scale));
}

// Makespan of 2000 tasks that sleep for 1 ms, over that of list scheduling without any cost.
template <Peer P>
Measured sleep_tasks(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  const auto work = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  makespan(pool, std::min<std::int64_t>(2 * executors<P>(entry), scaled(2000, effort)), work);
  const Burst timed = makespan(pool, scaled(2000, effort), work);
  const std::int64_t rounds = (timed.ran.all() + executors<P>(entry) - 1) / executors<P>(entry);
  return timed.measured(timed.seconds / (static_cast<double>(rounds) * 1e-3));
}

// Efficiency of 10,000 tasks of 100 us of computing: their sum over makespan times the cores that could be used.
template <Peer P>
Measured cpu_tasks(const Entry& entry, const Effort& effort) {
  const std::int64_t rounds = spin_rounds_of(std::chrono::microseconds(100));
  P pool(entry.workers);
  const auto work = [rounds] { spin(rounds); };
  makespan(pool, std::min<std::int64_t>(20 * executors<P>(entry), scaled(10'000, effort)), work);
  const Burst timed = makespan(pool, scaled(10'000, effort), work);
  const double sum = static_cast<double>(timed.ran.all()) * 100e-6;
  return timed.measured(sum / (timed.seconds * std::min(executors<P>(entry), usable_cores().count)));
}

// --- what a pool costs that does nothing ------------------------------------------------------------------------------

// CPU time in ns, of all threads but the waiting one, in one second without work, beginning 10 ms after the last task.
template <Peer P>
Measured idle_cpu(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  Measured measured;
  together(pool, 1, [&](int) {
    const Executions before = executions();
    for (int task = 0; task < 1000; ++task) pool.post([] { count_execution(); });
    for (int task = 0; task < 100; ++task) pool.result(submit_empty(pool));
    pool.drain();
    wait_for_executions(before, 1100);
    const Executions ran = executions() - before;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const Clock::time_point begin = Clock::now();
    const CpuOfThreads before_idling = cpu_seconds_of_other_threads();
    std::this_thread::sleep_for(std::chrono::duration<double>(effort.scale));
    const double cpu = cpu_seconds_between(before_idling, cpu_seconds_of_other_threads());
    const double seconds = seconds_since(begin);
    measured = Burst{.seconds = seconds, .ran = ran}.measured(cpu * 1e9 / seconds);
  });
  return measured;
}

// On a producer: returns when every worker is inside of a task, where it stays until the gate opens.
template <Peer P>
void occupy(P& pool, int workers, std::latch& gate) {
  std::latch inside(workers);
  for (int worker = 0; worker < workers; ++worker) {
    pool.post([&inside, &gate] {
      inside.count_down();
      gate.wait();
      count_execution();
    });
  }
  inside.wait();
}

// Growth of the resident memory, in bytes per task, while `tasks` are queued behind tasks that block every worker. Room for
// the futures themselves is the caller's and was there before.
template <Peer P, class Enqueue>
Measured memory(const Entry& entry, const Effort& effort, const Enqueue& enqueue) {
  const std::int64_t tasks = scaled(100'000, effort);
  P pool(entry.workers);
  const auto kept = [&] {
    if constexpr (std::is_void_v<decltype(enqueue(pool))>) {
      return std::vector<char>();
    } else {
      return touched_room<decltype(enqueue(pool))>(tasks);
    }
  };
  auto futures = kept();
  double bytes = 0;
  const Executions before = executions();
  const Clock::time_point begin = Clock::now();
  std::latch gate(1);
  together(pool, 1, [&](int) {
    occupy(pool, entry.workers, gate);
    ::malloc_trim(0);  // what earlier scenarios of this process have freed would be taken again unseen
    const std::int64_t empty = resident_bytes();
    for (std::int64_t task = 0; task < tasks; ++task) {
      if constexpr (std::is_void_v<decltype(enqueue(pool))>) {
        enqueue(pool);
      } else {
        futures.push_back(enqueue(pool));
      }
    }
    bytes = static_cast<double>(resident_bytes() - empty) / static_cast<double>(tasks);
    gate.count_down();
    if constexpr (!std::is_void_v<decltype(enqueue(pool))>) {
      for (auto& future : futures) pool.result(std::move(future));
    }
    pool.drain();
  });
  wait_for_executions(before, tasks + entry.workers);
  return Burst{.seconds = seconds_since(begin), .ran = exactly(tasks + entry.workers, before)}.measured(bytes);
}

template <Peer P>
Measured memory_detached(const Entry& entry, const Effort& effort) {
  return memory<P>(entry, effort, [](P& pool) { pool.post([] { count_execution(); }); });
}
template <Peer P>
Measured memory_future(const Entry& entry, const Effort& effort) {
  return memory<P>(entry, effort, submit_empty);
}

// --- many clients -----------------------------------------------------------------------------------------------------

// ns per task of 10,000 tasks that sleep for 1 ms: a thread each against a pool that has a few.
template <Peer P>
Measured clients(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  const auto work = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  const Burst timed = makespan(pool, std::min(P::kMostTasks, scaled(10'000, effort)), work);
  return timed.measured(timed.ns_per_task());
}

// Growth of the resident memory, in bytes per task, while 10,000 tasks wait: each in a thread of its own, or all but those that
// block the pool's workers in its queue.
template <Peer P>
Measured clients_memory(const Entry& entry, const Effort& effort) {
  struct Clients {
    std::atomic<std::int64_t> waiting{0};
    std::latch gate{1};
  } all;
  const std::int64_t tasks = std::min(P::kMostTasks, scaled(10'000, effort));
  const std::int64_t at_once =
      P::kExecutedBy == ExecutedBy::thread_per_task ? tasks : std::min<std::int64_t>(tasks, entry.workers);
  P pool(entry.workers);
  double bytes = 0;
  const Executions before = executions();
  const Clock::time_point begin = Clock::now();
  together(pool, 1, [&](int) {
    ::malloc_trim(0);  // as in memory()
    const std::int64_t none = resident_bytes();
    for (std::int64_t task = 0; task < tasks; ++task) {
      pool.post([&all] {
        // Relaxed: whoever reads the number reads nothing else of this task.
        all.waiting.fetch_add(1, std::memory_order_relaxed);
        all.gate.wait();
        count_execution();
      });
    }
    while (all.waiting.load(std::memory_order_relaxed) < at_once) std::this_thread::sleep_for(std::chrono::microseconds(50));
    bytes = static_cast<double>(resident_bytes() - none) / static_cast<double>(tasks);
    all.gate.count_down();
    pool.drain();
  });
  wait_for_executions(before, tasks);
  return Burst{.seconds = seconds_since(begin), .ran = exactly(tasks, before)}.measured(bytes);
}

// --- callbacks --------------------------------------------------------------------------------------------------------

// ns that a callback adds to a task with future: the median difference of bursts with and without, one after the other.
template <Peer P>
Measured callbacks(const Entry& entry, const Effort& effort) {
  P pool(entry.workers);
  // The callback counts in the task's place: the burst ends when all have been delivered.
  const auto with_callback = [](P& some) {
    return some.submit_with_callback([](const auto&) { count_execution(); }, [] { return 1; });
  };
  const auto bare = [&](std::int64_t tasks) { return burst_of_submits(pool, 1, tasks, submit_empty); };
  const std::int64_t tasks =
      std::max<std::int64_t>(1, fitting_tasks(effort, P::kMostTasks, [&](std::int64_t warm) { return bare(warm).seconds; }) / 20);
  std::vector<double> differences;
  Burst all;
  for (int pair = 0; pair < 10; ++pair) {
    const double without = bare(tasks).ns_per_task();
    const Burst with = burst_of_submits(pool, 1, tasks, with_callback);
    differences.push_back(with.ns_per_task() - without);
    all.seconds += with.seconds;
    all.ran.by_workers += with.ran.by_workers;
    all.ran.by_producers += with.ran.by_producers;
  }
  return all.measured(median(std::move(differences)));
}

}  // namespace pools::benchmarks::scenarios
