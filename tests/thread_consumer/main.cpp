// Uses the thread pool, its options by their former name included, through the installed headers. Exit code 0 when every result is right.

#include <pools/cores.h>
#include <pools/future.h>
#include <pools/pool_options.h>
#include <pools/thread_pool.h>

#include <iostream>
#include <string>
#include <vector>

#if __has_include(<pools/src/thread/dispatch.h>) || __has_include(<pools/dispatch.h>)
#error "what is inside the pools is installed"
#endif

int main() {
  pools::ThreadPool pool{pools::ThreadPoolOptions{.workers = 2, .queue = {.limit = 8}, .timing = true}};
  std::vector<pools::Future<int>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.with({.priority = i % 3}).submit([i] { return i; }));
  int sum = 0;
  for (const pools::Future<int>& future : pools::as_completed(futures)) sum += future.result();
  const std::string word = pool.submit([](std::string text) { return text + "!"; }, "done").result();
  const bool right = sum == 4950 && word == "done!" && pool.metrics().done == 101 && pools::usable_cores().count > 0;
  std::cout << (right ? "the thread pool works\n" : "the thread pool is wrong\n");
  return right ? 0 : 1;
}
