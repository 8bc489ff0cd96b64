// Workers that die: their own task fails, and no other; with `retry` it is tried again.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "pools/process_pool.h"

int crash(int) { std::abort(); }
int square(int n) { return n * n; }
// Crashes where nobody has been before.
int crash_once(const std::string& mark) {
  if (std::filesystem::exists(mark)) return 1;
  const std::ofstream made(mark);
  return std::raise(SIGKILL);
}

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  pools::init(argc, argv);
  pools::ProcessPool pool({.workers = 2, .retry = {.retries = 1, .backoff = 1ms}});

  const auto other = pool.submit<&square>(7);
  try {
    pool.with({.retries = 0}).submit<&crash>(0).result();
  } catch (const pools::WorkerDied& death) {
    std::printf("signal %d\n", death.signal().value_or(0));
  }
  std::printf("%d\n", other.result());

  const std::string mark =
      (std::filesystem::temp_directory_path() / ("pools_example_" + std::to_string(pool.submit<&square>(1).result()) + "_" +
                                                 std::to_string(std::chrono::steady_clock::now().time_since_epoch().count())))
          .string();
  std::printf("%d, at the second try\n", pool.submit<&crash_once>(mark).result());
  std::filesystem::remove(mark);
  std::printf("%lu workers died, %lu retry\n", pool.metrics().crashed, pool.metrics().retried);
}
