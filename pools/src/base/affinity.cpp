#include "pools/src/base/affinity.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

namespace pools::detail {
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using CpuSet = std::unique_ptr<cpu_set_t, FreeCpuSet>;

constexpr int kMostCpus = 1 << 16;  // larger than any kernel is built for

std::string listed(const cpu_set_t* set, int size) {
  std::string text;
  for (int cpu = 0; cpu < size; ++cpu) {
    if (!CPU_ISSET_S(static_cast<std::size_t>(cpu), CPU_ALLOC_SIZE(size), set)) continue;
    int last = cpu;
    while (last + 1 < size && CPU_ISSET_S(static_cast<std::size_t>(last + 1), CPU_ALLOC_SIZE(size), set)) ++last;
    text.append(text.empty() ? "" : ",").append(std::to_string(cpu));
    if (last > cpu) text.append("-").append(std::to_string(last));
    cpu = last;
  }
  return text;
}

}  // namespace

void check_cpus(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  // The mask of the process is its main thread's: the calling one may be a worker that is pinned itself. The kernel wants room
  // for as many CPUs as it was built for.
  for (int size = 1024; size <= kMostCpus; size *= 2) {
    const CpuSet allowed(CPU_ALLOC(size));
    if (!allowed) throw std::bad_alloc();
    CPU_ZERO_S(CPU_ALLOC_SIZE(size), allowed.get());
    if (::sched_getaffinity(::getpid(), CPU_ALLOC_SIZE(size), allowed.get()) != 0) {
      if (errno == EINVAL) continue;
      return;  // unreadable: nothing to hold the CPUs against
    }
    for (const int cpu : cpus) {
      if (cpu >= 0 && cpu < size && CPU_ISSET_S(static_cast<std::size_t>(cpu), CPU_ALLOC_SIZE(size), allowed.get())) continue;
      throw std::invalid_argument("this process may not run on CPU " + std::to_string(cpu) + ", only on " +
                                  listed(allowed.get(), size));
    }
    return;
  }
}

bool pin_this_thread(int cpu) noexcept {
  const CpuSet only(CPU_ALLOC(cpu + 1));
  if (!only) {
    errno = ENOMEM;
    return false;
  }
  CPU_ZERO_S(CPU_ALLOC_SIZE(cpu + 1), only.get());
  CPU_SET_S(static_cast<std::size_t>(cpu), CPU_ALLOC_SIZE(cpu + 1), only.get());
  return ::sched_setaffinity(0, CPU_ALLOC_SIZE(cpu + 1), only.get()) == 0;
}

}  // namespace pools::detail
