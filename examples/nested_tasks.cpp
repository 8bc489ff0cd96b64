// Tasks that wait for tasks of their own pool: the one that waits runs what it waits for, so a full pool goes on; what can never end is an
// error.

#include <cstdio>

#include "pools/thread_pool.h"

int fibonacci(pools::ThreadPool& pool, int n) {
  if (n < 2) return n;
  const auto left = pool.submit([&pool, n] { return fibonacci(pool, n - 1); });
  const auto right = pool.submit([&pool, n] { return fibonacci(pool, n - 2); });
  return left.result() + right.result();
}

int main() {
  pools::ThreadPool pool{2};  // would stand still at once, if a worker that waits did nothing
  std::printf("%d\n", pool.submit([&] { return fibonacci(pool, 15); }).result());

  pools::Future<int> itself;
  pool.pause();
  itself = pool.submit([&] { return itself.result(); });
  pool.resume();
  try {
    itself.result();
  } catch (const pools::DeadlockError& error) {
    std::printf("DeadlockError: %s\n", error.what());
  }
}
