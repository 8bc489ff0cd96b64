#include "pools/benchmarks/peers/machine.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "pools/benchmarks/peers/bursts.h"
#include "pools/cores.h"

namespace pools::benchmarks {
namespace {

double seconds_on(clockid_t clock) {
  timespec time{};
  if (::clock_gettime(clock, &time) != 0) throw std::system_error(errno, std::generic_category(), "clock_gettime");
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Median over pieces of about a millisecond, measured on all cores at the same time.
double measured_rounds_per_ns() {
  constexpr std::int64_t kRounds = 500'000;
  constexpr int kPieces = 60;
  const int cores = usable_cores().count;
  std::mutex mutex;
  std::vector<double> speeds;  // guarded by mutex
  std::barrier line(cores);
  {
    std::vector<std::jthread> threads;
    for (int core = 0; core < cores; ++core) {
      threads.emplace_back([&] {
        std::vector<double> own;
        spin(10 * kRounds);  // until the clock of the core has risen
        line.arrive_and_wait();
        for (int piece = 0; piece < kPieces; ++piece) {
          const Clock::time_point begin = Clock::now();
          spin(kRounds);
          own.push_back(static_cast<double>(kRounds) / (seconds_since(begin) * 1e9));
        }
        const std::lock_guard lock(mutex);
        speeds.insert(speeds.end(), own.begin(), own.end());
      });
    }
  }
  return median(std::move(speeds));
}

}  // namespace

void spin(std::int64_t rounds) {
  std::uint64_t state = 1;
  for (std::int64_t round = 0; round < rounds; ++round) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    asm volatile("" : "+r"(state));  // or the loop would be folded
  }
}

std::int64_t spin_rounds_of(std::chrono::nanoseconds duration) {
  static const double rounds_per_ns = measured_rounds_per_ns();
  return static_cast<std::int64_t>(rounds_per_ns * static_cast<double>(duration.count()));
}

CpuOfThreads cpu_seconds_of_other_threads() {
  CpuOfThreads all;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const auto thread = static_cast<pid_t>(std::stol(entry.path().filename().string()));
    if (thread == ::gettid()) continue;
    // The kernel's ABI for the clock of a thread that is known by its number: 4 says a thread's, 2 says CPU time.
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3U) | 4U | 2U);
    timespec time{};
    if (::clock_gettime(clock, &time) != 0) continue;  // it has ended meanwhile
    all[thread] = static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  return all;
}

double cpu_seconds_between(const CpuOfThreads& beginning, const CpuOfThreads& end) {
  double sum = 0;
  for (const auto& [thread, seconds] : end) {
    const auto before = beginning.find(thread);
    sum += seconds - (before == beginning.end() ? 0 : before->second);
  }
  return sum;
}

double cpu_seconds_of(const std::vector<pid_t>& processes) {
  double sum = 0;
  for (const pid_t process : processes) {
    clockid_t clock{};
    if (const int error = ::clock_getcpuclockid(process, &clock); error != 0) {
      throw std::system_error(error, std::generic_category(), "clock_getcpuclockid");
    }
    sum += seconds_on(clock);
  }
  return sum;
}

std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  if (!(statm >> size >> resident)) throw std::runtime_error("/proc/self/statm cannot be read");
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace pools::benchmarks
