// pause, resume, resize, shutdown: what one can tell a pool at work.

#include <atomic>
#include <cstdio>

#include "pools/thread_pool.h"

int main() {
  std::atomic<int> ran{0};
  pools::ThreadPool pool({.workers = 2, .name_prefix = "worker", .initializer = [] { /* in each worker, first */ }});
  pool.start_all();  // else they are started as they are needed
  pool.pause();      // from its return no task starts
  const auto first = pool.submit([&] { ++ran; });
  const auto second = pool.submit([&] { ++ran; });
  std::printf("paused: %d ran, %lu queued\n", ran.load(), pool.metrics().queued);
  pool.resume();
  first.result();
  second.result();

  pool.resize(8);
  std::printf("%d workers\n", pool.workers());

  pool.pause();
  const auto dropped = pool.submit([&] { ++ran; });
  pool.shutdown({.cancel_futures = true});  // what is queued is cancelled, what runs ends; without it both run
  std::printf("%d ran, cancelled: %d\n", ran.load(), dropped.cancelled());
  try {
    pool.submit([] {});
  } catch (const pools::ShutdownError& error) {
    std::printf("%s\n", error.what());
  }
}
