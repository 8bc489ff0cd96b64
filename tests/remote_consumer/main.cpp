// Uses the pool over several hosts through the installed headers. Exit code 0 when every result is right.

#include <pools/remote_pool.h>

#include <cstdio>
#include <numeric>
#include <vector>

int square(int n) { return n * n; }

int main(int argc, char** argv) {
  pools::init(argc, argv);  // agents and workers never return from here
  pools::RemotePool pool{{.launcher = pools::command("exec {agent} --workers 1", {"a", "b"})}};
  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 0);
  long sum = 0;
  for (const int value : pool.map<&square>(numbers, {.chunksize = 10})) sum += value;
  const bool right = sum == 332833500;
  std::puts(right ? "the remote pool works" : "the remote pool is wrong");
  return right ? 0 : 1;
}
