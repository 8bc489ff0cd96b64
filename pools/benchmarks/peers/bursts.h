#pragma once

// What the scenarios are made of: producers that start together, bursts of empty tasks, and how many tasks fit into a time.

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/executions.h"
#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

using Clock = std::chrono::steady_clock;
inline double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Burst {
  double seconds = 0;
  Executions ran = {};

  double ns_per_task() const { return seconds * 1e9 / static_cast<double>(ran.all()); }
  Measured measured(double value) const {
    return {.value = value, .tasks = ran.all(), .producer_share = ran.producer_share(), .seconds = seconds};
  }
};

// Calls work(0) ... work(count - 1), each on a producer; the time at which the last of them was there and all began.
template <Peer P, class Work>
Clock::time_point together(P& pool, int count, const Work& work) {
  Clock::time_point begin;
  const auto fire = [&begin]() noexcept { begin = Clock::now(); };
  std::barrier line(count, fire);
  pool.producers(count, [&](int index) {
    const ProducerScope scope;
    line.arrive_and_wait();
    work(index);
  });
  return begin;
}

// What ran since `before`. Throws std::runtime_error unless exactly `tasks` ran: a pool that loses or repeats one wins no race.
inline Executions exactly(std::int64_t tasks, const Executions& before) {
  const Executions ran = executions() - before;
  if (ran.all() != tasks) {
    throw std::runtime_error(std::to_string(ran.all()) + " tasks ran instead of " + std::to_string(tasks));
  }
  return ran;
}

// Room for `count` elements, in pages that are there already: the caller's memory is not the pool's cost.
template <class T>
std::vector<T> touched_room(std::int64_t count) {
  std::vector<T> room;
  room.reserve(static_cast<std::size_t>(count));
  std::memset(static_cast<void*>(room.data()), 0, room.capacity() * sizeof(T));
  return room;
}

// Empty tasks without futures, from the first post to the end of the last task.
template <Peer P>
Burst burst_of_posts(P& pool, int producers, std::int64_t tasks) {
  const std::int64_t each = tasks / producers;
  const Executions before = executions();
  const Clock::time_point begin = together(pool, producers, [&](int) {
    for (std::int64_t task = 0; task < each; ++task) pool.post([] { count_execution(); });
    pool.drain();
  });
  wait_for_executions(before, each * producers);
  const double seconds = seconds_since(begin);
  return {.seconds = seconds, .ran = exactly(each * producers, before)};
}

// Every producer keeps the futures of its tasks, then waits for each and drops it. `submit` is given the pool; what it submits
// counts one execution, in a callback perhaps: the burst ends when all are counted and no producer waits any more.
template <Peer P, class Submit>
Burst burst_of_submits(P& pool, int producers, std::int64_t tasks, const Submit& submit) {
  using Waitable = decltype(submit(pool));
  const std::int64_t each = tasks / producers;
  std::vector<std::vector<Waitable>> waitables;
  for (int producer = 0; producer < producers; ++producer) waitables.push_back(touched_room<Waitable>(each));
  std::vector<Clock::time_point> ends(static_cast<std::size_t>(producers));
  std::vector<std::int64_t> sums(static_cast<std::size_t>(producers));
  const Executions before = executions();
  const Clock::time_point begin = together(pool, producers, [&](int index) {
    std::vector<Waitable>& mine = waitables[static_cast<std::size_t>(index)];
    std::int64_t sum = 0;
    for (std::int64_t task = 0; task < each; ++task) mine.push_back(submit(pool));
    for (Waitable& waitable : mine) sum += pool.result(std::move(waitable));
    mine.clear();
    ends[static_cast<std::size_t>(index)] = Clock::now();
    sums[static_cast<std::size_t>(index)] = sum;
  });
  for (const std::int64_t sum : sums) {
    if (sum != each) throw std::runtime_error("the results add up to " + std::to_string(sum) + ", not " + std::to_string(each));
  }
  double seconds = std::chrono::duration<double>(*std::max_element(ends.begin(), ends.end()) - begin).count();
  if ((executions() - before).all() < each * producers) {
    wait_for_executions(before, each * producers);
    seconds = seconds_since(begin);
  }
  return {.seconds = seconds, .ran = exactly(each * producers, before)};
}

// The empty task of burst_of_submits.
inline constexpr auto submit_empty = [](auto& pool) {
  return pool.submit([] {
    count_execution();
    return 1;
  });
};

// How many tasks take about the effort's time, by two warming bursts of a tenth of that time at most: burst(tasks) runs so many and
// gives the seconds. Never more than effort.tasks and `most`, never fewer than effort.at_least unless these are.
template <class RunBurst>
std::int64_t fitting_tasks(const Effort& effort, std::int64_t most, const RunBurst& burst) {
  most = std::min(most, effort.tasks);
  const std::int64_t least = std::min(most, effort.at_least);
  const auto clamped = [&](double tasks) {
    return std::clamp(static_cast<std::int64_t>(std::min(tasks, static_cast<double>(most))), least, most);
  };
  const std::int64_t warm = clamped(effort.seconds / 10 / (burst(least) / static_cast<double>(least)));
  return clamped(effort.seconds / (burst(warm) / static_cast<double>(warm)));
}

// The lower middle; 0 of none.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace pools::benchmarks
