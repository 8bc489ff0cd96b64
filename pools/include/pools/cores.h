#pragma once

// How many cores this process may use: what the default worker counts are made from.

#include <filesystem>
#include <optional>
#include <string>

namespace pools {

struct UsableCores {
  int count = 1;           // >= 1
  std::string decided_by;  // "affinity mask (2 CPUs)", "cgroup quota (1.5 CPUs)"
};

// The smaller of the size of the calling thread's affinity mask and the tightest CPU quota of this process's cgroup and all its ancestors (v2
// cpu.max, v1 cpu.cfs_quota_us / cpu.cfs_period_us), rounded up. What cannot be read does not limit. Thread-safe.
UsableCores usable_cores();

// How many threads a library of a task's may use: in a worker process of a ProcessPool its share (ProcessPoolOptions::inner_threads), in any
// other process usable_cores().count. Thread-safe.
int inner_threads();

// The share of one of `workers` (> 0) in `cores` (> 0): cores / workers, rounded down, and at least 1.
constexpr int inner_threads_share(int cores, int workers) noexcept { return cores < workers ? 1 : cores / workers; }

namespace detail {
void set_inner_threads(int share) noexcept;  // of this process, a worker
// The same with the roots of /proc/self and /sys/fs/cgroup, and the size of the affinity mask, given.
UsableCores usable_cores(int affinity, const std::filesystem::path& proc_self, const std::filesystem::path& cgroup_root);
// The same; empty where something cannot be read for want of descriptors or memory, which says nothing of whether it limits.
std::optional<UsableCores> usable_cores_if_known(int affinity, const std::filesystem::path& proc_self,
                                                 const std::filesystem::path& cgroup_root);
// Of the process, whichever thread asks: with the affinity mask of its main thread.
std::optional<UsableCores> usable_cores_if_known();
}

}  // namespace pools
