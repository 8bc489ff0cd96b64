// A library that a program loads at run time, and that uses pools.

#include "pools/tests/shared_library/plugin.h"

#include <unistd.h>

#include <vector>

#include "pools/thread_pool.h"

namespace pools::test {

int pid_in_plugin() { return static_cast<int>(::getpid()); }

long plugin_sum(int workers, int n) {
  ThreadPool pool{workers};
  std::vector<Future<long>> numbers;
  for (long number = 1; number <= n; ++number) numbers.push_back(pool.submit([number] { return number; }));
  long sum = 0;
  for (const Future<long>& number : numbers) sum += number.result();
  return sum;
}

void plugin_submit(ProcessPool& pool, Future<int>& future) { future = pool.submit<&pid_in_plugin>(); }

}  // namespace pools::test
