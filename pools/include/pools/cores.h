#pragma once

// How many cores this process may use: what the default worker counts are made from.

#include <filesystem>
#include <string>

namespace pools {

struct UsableCores {
  int count = 1;           // >= 1
  std::string decided_by;  // "affinity mask (2 CPUs)", "cgroup quota (1.5 CPUs)"
};

// The smaller of the affinity mask's size and the tightest CPU quota of this process's cgroup and all its ancestors (v2
// cpu.max, v1 cpu.cfs_quota_us / cpu.cfs_period_us), rounded up. What cannot be read does not limit. Thread-safe.
UsableCores usable_cores();

namespace detail {
// The same with the roots of /proc/self and /sys/fs/cgroup, and the size of the affinity mask, given.
UsableCores usable_cores(int affinity, const std::filesystem::path& proc_self, const std::filesystem::path& cgroup_root);
}

}  // namespace pools
