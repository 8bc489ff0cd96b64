#pragma once

// A CPU quota that this program gives itself: a control group (v1 or v2) in which it and whatever it starts are while the object lives.

#include <chrono>
#include <filesystem>

namespace harness {

// Shorter than the 100 ms of containers, so that work of 100 ms meets several periods, as work of a second does there.
inline constexpr std::chrono::milliseconds kQuotaPeriod{20};

// Where the kernel tells of control groups; elsewhere in tests.
struct CgroupPlaces {
  std::filesystem::path proc_self = "/proc/self";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
};

// Not thread-safe; one at a time.
class CpuQuota {
 public:
  // From now on `cpus` CPUs' time in each period. Throws EnvironmentError, in one line, where none can be made: no control group that governs CPU
  // time, or none that this user may make. REQUIRES: cpus >= 1.
  explicit CpuQuota(int cpus, const CgroupPlaces& places = {});
  CpuQuota(const CpuQuota&) = delete;
  CpuQuota& operator=(const CpuQuota&) = delete;
  // Back to where it was; the group goes with it. REQUIRES: everything that was started has ended.
  ~CpuQuota();

  const std::filesystem::path& group() const { return group_; }

 private:
  std::filesystem::path home_;   // the group that this process came from
  std::filesystem::path group_;  // the one with the quota
};

}  // namespace harness
