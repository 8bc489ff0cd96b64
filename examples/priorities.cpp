// Options of one task: a priority, and a time by which it has to start.

#include <chrono>
#include <cstdio>
#include <latch>

#include "pools/thread_pool.h"

int main() {
  using namespace std::chrono_literals;
  pools::ThreadPool pool{1};
  std::latch busy{1}, go{1};
  pool.post([&] {
    busy.count_down();
    go.wait();
  });
  busy.wait();  // the only worker

  const auto say = [](const char* what) { std::puts(what); };
  pool.post(say, "usual");
  pool.with({.priority = -1}).post(say, "last");
  pool.with({.priority = 5}).post(say, "first");

  // Nobody wants the answer any more if it does not begin within 5 ms: it is cancelled, and leaves the queue.
  const auto stale = pool.with({.start_by = 5ms}).submit(say, "never");
  try {
    stale.result();
  } catch (const pools::CancelledError& error) {
    std::printf("%s\n", error.what());
  }
  go.count_down();
}
