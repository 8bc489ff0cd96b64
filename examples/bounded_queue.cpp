// A bounded queue: what a producer does that is faster than the workers - wait, hear of it, or lend a hand.

#include <atomic>
#include <cstdio>
#include <latch>
#include <thread>

#include "pools/thread_pool.h"

int main() {
  {
    std::latch go{1};
    pools::ThreadPool pool({.workers = 1, .queue = {.limit = 2, .when_full = pools::WhenFull::reject}});
    pool.submit([&] { go.wait(); });
    while (pool.metrics().running == 0) std::this_thread::yield();
    for (int task = 0; task < 2; ++task) pool.submit([] {});
    try {
      pool.submit([] {});
    } catch (const pools::QueueFullError& error) {
      std::printf("%s\n", error.what());
    }
    go.count_down();
  }
  {
    std::atomic<int> ran{0};
    {
      pools::ThreadPool pool({.workers = 2, .queue = {.limit = 4, .when_full = pools::WhenFull::block}});
      for (int task = 0; task < 1000; ++task) pool.post([&] { ++ran; });  // waits for room; never more than four wait
    }
    std::printf("%d ran\n", ran.load());
  }
  {
    std::atomic<int> by_caller{0};
    std::latch go{1};
    const auto caller = std::this_thread::get_id();
    pools::ThreadPool pool({.workers = 1, .queue = {.limit = 1, .when_full = pools::WhenFull::caller_runs}});
    pool.post([&] { go.wait(); });
    while (pool.metrics().running == 0) std::this_thread::yield();
    for (int task = 0; task < 4; ++task) pool.post([&, caller] { by_caller += std::this_thread::get_id() == caller; });
    std::printf("%d by the caller\n", by_caller.load());  // all but the one that found room
    go.count_down();
  }
}
