#pragma once

// What every peer has to do before it may race: run each task exactly once, and deliver each future's value.

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "pools/benchmarks/peers/bursts.h"

namespace pools::benchmarks {

// 1000 tasks of each producer, by post and then by submit, on one pool. A line per fault; empty if there is none.
template <Peer P>
std::vector<std::string> check_peer(const Entry& entry) {
  constexpr int kEach = 1000;
  const int all = kEach * entry.producers;
  std::vector<std::atomic<int>> posted(static_cast<std::size_t>(all)), submitted(static_cast<std::size_t>(all));
  std::vector<int> values(static_cast<std::size_t>(all), -1);
  const Executions before = executions();
  {
    P pool(entry.workers);
    together(pool, entry.producers, [&](int index) {
      const int first = index * kEach;
      for (int task = first; task < first + kEach; ++task) {
        pool.post([times = &posted[static_cast<std::size_t>(task)]] {
          times->fetch_add(1, std::memory_order_relaxed);
          count_execution();
        });
      }
      pool.drain();
      std::vector<decltype(pool.submit([] { return 0; }))> waitables;
      for (int task = first; task < first + kEach; ++task) {
        waitables.push_back(pool.submit([times = &submitted[static_cast<std::size_t>(task)], task] {
          times->fetch_add(1, std::memory_order_relaxed);
          count_execution();
          return task;
        }));
      }
      for (int task = first; task < first + kEach; ++task) {
        values[static_cast<std::size_t>(task)] = pool.result(std::move(waitables[static_cast<std::size_t>(task - first)]));
      }
    });
    wait_for_executions(before, std::int64_t{2} * all);
  }

  std::vector<std::string> faults;
  const auto fault = [&faults](const char* what, int task, const char* did, int value) {
    faults.push_back(what + std::to_string(task) + did + std::to_string(value));
  };
  for (int task = 0; task < all; ++task) {
    const auto at = static_cast<std::size_t>(task);
    if (posted[at] != 1) fault("posted task ", task, " ran times: ", posted[at]);
    if (submitted[at] != 1) fault("submitted task ", task, " ran times: ", submitted[at]);
    if (values[at] != task) fault("the future of task ", task, " delivered ", values[at]);
  }
  return faults;
}

}  // namespace pools::benchmarks
