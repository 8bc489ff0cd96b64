#include "pools/cores.h"

#include <sched.h>
#include <unistd.h>

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
#include <utility>

#include "pools/src/base/cgroup.h"

namespace pools {
namespace {

using std::filesystem::path;

int affinity_count(pid_t thread) {  // 0: the calling one
  // The mask may be larger than cpu_set_t on machines of more than 1024 CPUs: grow until the kernel accepts.
  for (int cpus = CPU_SETSIZE; cpus <= (1 << 20); cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(cpus));
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(static_cast<std::size_t>(cpus));
    const int failed = ::sched_getaffinity(thread, size, set);
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
std::optional<double> quota_v2(const path& group, bool& known) {
  std::ifstream file(group / "cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || period <= 0) {
    known = known && !detail::cannot_be_read_now(file);
    return std::nullopt;
  }
  const double microseconds = std::atof(quota.c_str());  // 0 for "max"
  if (microseconds <= 0) return std::nullopt;
  return microseconds / period;
}

std::optional<double> number_in(const path& file, bool& known) {
  std::ifstream text(file);
  double number = 0;
  if (text >> number) return number;
  known = known && !detail::cannot_be_read_now(text);
  return std::nullopt;
}

std::optional<double> quota_v1(const path& group, bool& known) {
  const std::optional<double> quota = number_in(group / "cpu.cfs_quota_us", known);
  if (!quota || *quota <= 0) return std::nullopt;  // -1: none
  const std::optional<double> period = number_in(group / "cpu.cfs_period_us", known);
  if (!period || *period <= 0) return std::nullopt;
  return *quota / *period;
}

}  // namespace

namespace detail {
namespace {

// `known`: everything that is there could be read.
UsableCores look_at_cores(int affinity, const path& proc_self, const path& cgroup_root, bool& known) {
  double cpus = std::numeric_limits<double>::infinity();
  const auto use = [&](const path& group, bool v2) {  // the tightest counts
    if (const auto quota = v2 ? quota_v2(group, known) : quota_v1(group, known)) cpus = std::min(cpus, *quota);
  };
  if (!for_each_cgroup(proc_self, cgroup_root, "cpu", use)) known = false;
  affinity = std::max(affinity, 1);
  if (cpus >= affinity) {
    return {affinity, "affinity mask (" + std::to_string(affinity) + (affinity == 1 ? " CPU)" : " CPUs)")};
  }
  char text[64];
  std::snprintf(text, sizeof text, "cgroup quota (%.4g CPUs)", cpus);
  return {std::max(1, static_cast<int>(std::ceil(cpus))), text};
}

}  // namespace

UsableCores usable_cores(int affinity, const path& proc_self, const path& cgroup_root) {
  bool known = true;
  return look_at_cores(affinity, proc_self, cgroup_root, known);
}

std::optional<UsableCores> usable_cores_if_known(int affinity, const path& proc_self, const path& cgroup_root) {
  bool known = true;
  UsableCores cores = look_at_cores(affinity, proc_self, cgroup_root, known);
  return known ? std::optional(std::move(cores)) : std::nullopt;
}

std::optional<UsableCores> usable_cores_if_known() {
  return usable_cores_if_known(affinity_count(::getpid()), "/proc/self", "/sys/fs/cgroup");
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

UsableCores usable_cores() { return detail::usable_cores(affinity_count(0), "/proc/self", "/sys/fs/cgroup"); }

}  // namespace pools
