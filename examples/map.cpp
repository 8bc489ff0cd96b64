// map: a function over ranges; the results in the order of the inputs, as they become ready.

#include <chrono>
#include <cstdio>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/thread_pool.h"

int main() {
  using namespace std::chrono_literals;
  pools::ThreadPool pool{4};
  const std::vector<std::string> names{"ada", "grace", "barbara"};
  const std::vector<int> times{3, 2, 1};

  const auto repeat = [](const std::string& text, int count) {
    std::string result;
    for (; count > 0; --count) result += text;
    return result;
  };
  for (const std::string& text : pool.map(repeat, names, times, {.timeout = 60s})) std::printf("%s\n", text.c_str());

  // Short functions: 1,000 consecutive items to a task. Endless ranges: a bounded look-ahead.
  long sum = 0;
  for (const long square : pool.map([](long n) { return n * n; }, std::views::iota(0L, 10'000L), {.chunksize = 1000}))
    sum += square;
  std::printf("%ld\n", sum);
  for (const int value : pool.map([](int n) { return n; }, std::views::iota(0), {.buffersize = 8})) {
    if (value == 20) break;  // what has not started is cancelled
  }

  // An exception is that of its item; those behind it are there.
  auto results = pool.map([](int n) { return n == 2 ? throw std::runtime_error("two") : n; }, std::vector{1, 2, 3});
  for (auto at = results.begin(); at != results.end(); ++at) {
    try {
      std::printf("item %d\n", *at);
    } catch (const std::runtime_error& error) {
      std::printf("not %s\n", error.what());
    }
  }
}
