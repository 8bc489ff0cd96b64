// Time limits, and a cancellation that ends what runs: only a process can be ended from outside.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "pools/process_pool.h"

int never_end(int) {
  for (;;) ::pause();
}

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  pools::init(argc, argv);
  pools::ProcessPool pool({.workers = 1, .kill_gap = 100ms});  // SIGTERM, and so much later SIGKILL

  try {
    pool.with({.time_limit = 50ms}).submit<&never_end>(0).result();  // counted from its start
  } catch (const pools::TimeLimitError& error) {
    std::printf("signal %d\n", error.signal().value_or(0));
  }

  const auto running = pool.with({.cancel_kills = true}).submit<&never_end>(0);
  while (!running.running()) std::this_thread::yield();
  // Counted from the submit: what has begun goes on, and what has not is cancelled, as here.
  const auto waiting = pool.with({.start_by = 10ms}).submit<&never_end>(0);
  pools::wait(std::vector{waiting});
  std::printf("cancelled: %d %d\n", waiting.cancelled(), running.cancel());
}
