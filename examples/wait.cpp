// wait and as_completed: several futures at once; timeouts and cancellation.

#include <chrono>
#include <cstdio>
#include <latch>
#include <vector>

#include "pools/thread_pool.h"

int main() {
  using namespace std::chrono_literals;
  pools::ThreadPool pool{2};
  std::latch go{1};
  const auto slow = pool.submit([&] {
    go.wait();
    return 1;
  });
  const auto fast = pool.submit([] { return 2; });

  const auto first = pools::wait(std::vector{slow, fast}, pools::ReturnWhen::first_completed);
  std::printf("%zu done, %zu not\n", first.done.size(), first.not_done.size());

  try {
    slow.result(10ms);
  } catch (const pools::TimeoutError& error) {  // the future is as it was
    std::printf("%s\n", error.what());
  }
  std::printf("cancelled: %d\n", slow.cancel());  // no: it runs

  pool.pause();
  const auto pending = pool.submit([] { return 3; });
  std::printf("cancelled: %d\n", pending.cancel());  // it had not started
  pool.resume();

  for (const auto& future : pools::as_completed(std::vector{slow, fast}, 60s)) {
    std::printf("result %d\n", future.result());
    if (future.result() == 2) go.count_down();
  }
}
