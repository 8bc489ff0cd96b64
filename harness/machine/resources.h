#pragma once

// What a repetition costs, read from the kernel: CPU time and context switches (getrusage), peak memory (VmHWM), time
// stopped by a CPU quota (cgroup v1 and v2). Nothing here belongs into a timed region.

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/trace.h"

namespace harness {

// Peak resident size of a live process in bytes; 0 if the process is gone or belongs to somebody else.
std::int64_t peak_resident_bytes(pid_t pid);

// The value of `key` in a cgroup's cpu.stat, or 0: "throttled_time" (v1, ns), "throttled_usec" (v2, us).
std::int64_t cpu_stat_value(std::string_view cpu_stat, std::string_view key);

// Meters one repetition: constructed before the first pool is, asked for the memory while the pools are still alive,
// and for the rest when their processes have been reaped.
class ResourceMeter {
 public:
  ResourceMeter();

  // Adds the peak of this process and of each of `pids`.
  void read_peak_memory(std::span<const pid_t> pids);

  // Everything since construction. REQUIRES: worker processes are reaped, else their CPU time is missing.
  ResourceUse finish() const;

 private:
  struct Reading {
    std::int64_t user_ns = 0;
    std::int64_t sys_ns = 0;
    std::int64_t self_ns = 0;
    std::int64_t voluntary = 0;
    std::int64_t involuntary = 0;
    std::int64_t throttled_ns = 0;
  };
  Reading read() const;

  std::vector<std::string> cpu_stat_files_;  // of this process's control group; empty without one
  Reading before_;
  std::int64_t rss_peak_bytes_ = 0;
};

}  // namespace harness
