#pragma once

// The chaos soak: everything that a pool can be asked to do, and every way in which its workers can be made to fail, in random order
// from one seed, for as long as one likes. What is checked all along: no task is lost, none ends twice, every result is the right one, the
// metrics balance, and a pool that is gone has left nothing.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/metrics.h"
#include "pools/options.h"
#include "pools/worker_count.h"

namespace pools::soak {

// What was found to be wrong. The soak goes on to its report, and fails.
class Violations {
 public:
  void add(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (count_++ < kKept) text_ += what + "\n";
  }
  std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  static constexpr std::uint64_t kKept = 50;
  mutable std::mutex mutex_;
  std::uint64_t count_ = 0;
  std::string text_;
};

// Of one kind of pool.
struct Tally {
  std::uint64_t pools = 0;  // made and destroyed
  std::uint64_t tasks = 0;  // accepted
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t refused = 0;  // submits that a full queue rejected
  std::uint64_t kills = 0;    // workers that the soak sent a signal to
  std::uint64_t broken = 0;   // pools that had no worker left, after the soak had killed several in a row that were starting
  std::uint64_t crashed = 0;  // workers, as the pool counts them
  std::uint64_t respawned = 0;
  std::uint64_t retried = 0;
  std::uint64_t resizes = 0;
  std::uint64_t pauses = 0;
  std::uint64_t looks = 0;      // at the metrics while the pool worked
  std::uint64_t forks = 0;      // of this process, whose copy of the pool must refuse to work
  std::uint64_t stops = 0;      // workers and guards that were stopped, and went on later or were killed
  std::uint64_t shortages = 0;  // spells in which memory and threads were refused now and then
};

using Clock = std::chrono::steady_clock;
using Random = std::mt19937_64;

inline int pick(Random& random, int below) { return static_cast<int>(random() % static_cast<std::uint64_t>(below)); }
inline bool chance(Random& random, int percent) { return pick(random, 100) < percent; }

// A task that is not done by then was lost, also on a machine that is busy with other things.
inline constexpr std::chrono::seconds kLost{180};

inline std::string state_of(const PoolMetrics& m) {
  return std::to_string(m.queued) + " tasks queued, " + std::to_string(m.running) + " running, " + std::to_string(m.workers) +
         " workers";
}

// What became of the tasks against what the pool says, once they have all ended.
struct Ends {
  std::uint64_t accepted = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
};
void check_ends(const PoolMetrics& m, const Ends& ends, const char* pool, Tally& tally, Violations& violations);

// Every task is counted once, and no group has more at work than its limit.
inline void check_balance(const PoolMetrics& m, const char* pool, Violations& violations) {
  if (m.submitted != m.queued + m.running + m.done + m.failed + m.cancelled) {
    violations.add(std::string(pool) + ": " + std::to_string(m.submitted) + " submitted, but " + std::to_string(m.queued) +
                   " queued, " + std::to_string(m.running) + " running, " + std::to_string(m.done) + " done, " +
                   std::to_string(m.failed) + " failed and " + std::to_string(m.cancelled) + " cancelled");
  }
  for (const GroupMetrics& group : m.groups) {
    if (group.running > group.limit) {
      violations.add(std::string(pool) + ": " + std::to_string(group.running) + " of the group " + group.name + " at work, of " +
                     std::to_string(group.limit));
    }
  }
}

// --- concurrency groups, and pools that size themselves ---

inline constexpr std::size_t kMostGroups = 2;

inline std::vector<ConcurrencyGroup> random_groups(Random& random) {
  std::vector<ConcurrencyGroup> groups{{"db", 1 + pick(random, 3)}};
  if (chance(random, 50)) groups.push_back({"disk", 1 + pick(random, 2)});
  return groups;
}

inline const std::string& random_group(const std::vector<ConcurrencyGroup>& groups, Random& random) {
  return groups[random() % groups.size()].name;
}

inline SelfSizing random_bounds(Random& random) {
  const int min = 1 + pick(random, 2);
  return {.min = min, .max = min + pick(random, 5)};
}

// To a number of at most so many, to bounds, or to what the machine has.
template <class Pool>
void resize_at_random(Pool& pool, Random& random, int most) {
  switch (pick(random, 6)) {
    case 0:
      return pool.resize(random_bounds(random));
    case 1:
      return pool.resize(automatic);
    default:
      return pool.resize(1 + pick(random, most));
  }
}

// One pool's life, until `until` and as long as its tasks take then.
void shake_threads(Random& random, Clock::time_point until, Tally& tally, Violations& violations);
void shake_processes(Random& random, Clock::time_point until, Tally& tally, Violations& violations);

}  // namespace pools::soak
