#pragma once

// How many processes the kernel has killed because there was no memory left: counted per control group, and for the machine.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_safety.h"

namespace pools::detail {

// The counter of the group that a process was in when this was made, else the machine's: `oom_kill` of memory.events (v2), memory.oom_control
// (v1), /proc/vmstat. A value.
class OomKills {
 public:
  OomKills() = default;              // none: read() is empty
  explicit OomKills(pid_t process);  // REQUIRES: it lives
  OomKills(const std::filesystem::path& proc_self, const std::filesystem::path& cgroup_root, const std::filesystem::path& vmstat);

  std::optional<std::uint64_t> read() const;                     // now
  std::uint64_t at_first() const noexcept { return at_first_; }  // when this was made; 0 if it could not be read
  std::chrono::steady_clock::time_point made() const noexcept { return made_; }
  const std::filesystem::path& counter() const noexcept { return counter_; }  // the file
  // "in the control group /sys/fs/cgroup/box, whose own limit is 67108864 bytes", "on the machine".
  std::string where() const;

 private:
  std::filesystem::path counter_;
  bool of_a_group_ = false;
  std::uint64_t at_first_ = 0;
  std::chrono::steady_clock::time_point made_ = std::chrono::steady_clock::now();
};

// Who of this process's workers may have been killed for memory, whichever pool's they are. The kernel says how many were killed and not when
// or who: so the counter is looked at again and again while workers are busy, and who died of SIGKILL may claim a kill that was counted
// just before. Each kill is claimed once; one that nobody claims, since it was another program's, is forgotten soon. Thread-safe. What
// throws is std::exception for lack of memory.
class OomLedger {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kPeriod{1};      // from one look to the next while workers are busy
  static constexpr std::chrono::seconds kRemembered{3};  // after the look that found it: a large process takes its time to die

  static OomLedger& of_this_process();

  // Reads the counter, unless it was looked at since `now` - kPeriod / 2, by another pool.
  void look(const OomKills& kills, Clock::time_point now) EXCLUDES(mutex_);
  // Reads the counter. Claims a kill that was counted since `kills` was made and found within kRemembered: how long ago it was at most.
  // Empty: there is none.
  std::optional<Clock::duration> claim(const OomKills& kills, Clock::time_point now) EXCLUDES(mutex_);

 private:
  struct Counter {
    std::uint64_t count = 0;
    std::uint64_t unclaimed = 0;
    Clock::time_point looked{};  // last
    Clock::time_point since{};   // the look before the first of the unclaimed was found
    Clock::time_point found{};   // the last of them
  };
  Counter* counter(const OomKills& kills, Clock::time_point now, bool throttled) REQUIRES(mutex_);  // null: it cannot be read

  Mutex mutex_;
  std::map<std::filesystem::path, Counter> counters_ GUARDED_BY(mutex_);
};

}  // namespace pools::detail
