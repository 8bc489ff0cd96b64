#include "pools/cores.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include "pools/src/base/cgroup.h"

namespace pools {
namespace {

using std::filesystem::path;

int affinity_count() {
  // The mask may be larger than cpu_set_t on machines of more than 1024 CPUs: grow until the kernel accepts.
  for (int cpus = CPU_SETSIZE; cpus <= (1 << 20); cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const int failed = ::sched_getaffinity(0, size, set);
    const int error = errno;
    const int count = failed == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (failed == 0 && count > 0) return count;
    if (error != EINVAL) break;
  }
  const unsigned hardware = std::thread::hardware_concurrency();
  return hardware == 0 ? 1 : static_cast<int>(hardware);
}

// CPUs per v2 "max 100000" or "150000 100000".
std::optional<double> quota_v2(const path& group) {
  std::ifstream file(group / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || period <= 0) return std::nullopt;
  const double microseconds = std::atof(quota.c_str());  // 0 for "max"
  if (microseconds <= 0) return std::nullopt;
  return microseconds / period;
}

std::optional<double> quota_v1(const path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us");
  std::ifstream period_file(group / "cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return std::nullopt;  // -1: none
  return quota / period;
}

}  // namespace

namespace detail {

UsableCores usable_cores(int affinity, const path& proc_self, const path& cgroup_root) {
  double cpus = std::numeric_limits<double>::infinity();
  for_each_cgroup(proc_self, cgroup_root, "cpu", [&cpus](const path& group, bool v2) {  // the tightest counts
    if (const auto quota = v2 ? quota_v2(group) : quota_v1(group)) cpus = std::min(cpus, *quota);
  });
  affinity = std::max(affinity, 1);
  if (cpus >= affinity) {
    return {affinity, "affinity mask (" + std::to_string(affinity) + (affinity == 1 ? " CPU)" : " CPUs)")};
  }
  char text[64];
  std::snprintf(text, sizeof text, "cgroup quota (%.4g CPUs)", cpus);
  return {std::max(1, static_cast<int>(std::ceil(cpus))), text};
}

}  // namespace detail

namespace {
std::atomic<int> share_of_inner_threads{0};  // 0: this is no worker, or one whose share nobody sets
}

void detail::set_inner_threads(int share) noexcept { share_of_inner_threads.store(share, std::memory_order_relaxed); }

int inner_threads() {
  const int share = share_of_inner_threads.load(std::memory_order_relaxed);  // Relaxed: guards nothing
  return share > 0 ? share : usable_cores().count;
}

UsableCores usable_cores() { return detail::usable_cores(affinity_count(), "/proc/self", "/sys/fs/cgroup"); }

}  // namespace pools
