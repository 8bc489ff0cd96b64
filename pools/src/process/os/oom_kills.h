#pragma once

// How many processes the kernel has killed because there was no memory left: counted per control group, and for the machine.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace pools::detail {

// The counter of the group that a process was in when this was made, else the machine's: `oom_kill` of memory.events (v2), memory.oom_control
// (v1), /proc/vmstat. A value.
class OomKills {
 public:
  OomKills() = default;              // none: read() is empty
  explicit OomKills(pid_t process);  // REQUIRES: it lives
  OomKills(const std::filesystem::path& proc_self, const std::filesystem::path& cgroup_root, const std::filesystem::path& vmstat);

  std::optional<std::uint64_t> read() const;                                  // now
  std::uint64_t at_first() const noexcept { return at_first_; }               // when this was made; 0 if it could not be read
  const std::filesystem::path& counter() const noexcept { return counter_; }  // the file
  // "in the control group /sys/fs/cgroup/box, whose limit is 67108864 bytes", "on the machine".
  std::string where() const;

 private:
  std::filesystem::path counter_;
  bool of_a_group_ = false;
  std::uint64_t at_first_ = 0;
};

}  // namespace pools::detail
