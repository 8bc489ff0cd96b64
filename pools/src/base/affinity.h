#pragma once

// Which CPUs the workers of a pool run on: the `cpus` of ThreadPoolOptions and ProcessPoolOptions.

#include <vector>

namespace pools::detail {

// Throws std::invalid_argument, with the CPU's number and the ones there are, unless this process may run on each of `cpus`.
void check_cpus(const std::vector<int>& cpus);

// The one for worker `number`. REQUIRES: cpus is not empty.
inline int cpu_of_worker(const std::vector<int>& cpus, int number) {
  return cpus[static_cast<std::size_t>(number) % cpus.size()];
}

// From now on the calling thread, and what it starts, runs on this CPU only. False, and errno, if that cannot be (any more).
bool pin_this_thread(int cpu) noexcept;

}  // namespace pools::detail
