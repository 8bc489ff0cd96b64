// submit and result: functions run on threads, their results, and their exceptions, come back by futures.

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "pools/thread_pool.h"

int count(const std::string& text) { return static_cast<int>(text.size()); }

int main() {
  pools::ThreadPool pool{4};

  const pools::Future<int> length = pool.submit(count, "four");    // a function and its arguments
  const auto sum = pool.submit([a = 1, b = 2] { return a + b; });  // any callable, with captures
  const auto owned = pool.submit([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(5));  // move-only arguments
  std::printf("%d %d %d\n", length.result(), sum.result(), owned.result());

  const auto failing = pool.submit([]() -> int { throw std::runtime_error("no luck"); });
  try {
    failing.result();  // throws what the task threw, each time
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }

  pool.post([] { std::puts("nobody waits for this one"); });  // cheaper: without a future
}  // the destructor waits for what is queued
