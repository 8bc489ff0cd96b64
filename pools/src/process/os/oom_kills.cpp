#include "pools/src/process/os/oom_kills.h"

#include <algorithm>
#include <fstream>
#include <new>
#include <string_view>

#include "pools/detail/forks.h"
#include "pools/src/base/cgroup.h"

namespace pools::detail {
namespace {

using std::filesystem::path;

// Of lines "name number".
std::optional<std::uint64_t> number_after(const path& file, std::string_view wanted) {
  std::ifstream lines(file);
  std::string name;
  std::uint64_t number = 0;
  while (lines >> name >> number) {
    if (name == wanted) return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> kills_counted_in(const path& counter) { return number_after(counter, "oom_kill"); }

[[maybe_unused]] const OomLedger& made_early = OomLedger::of_this_process();  // before there are threads, and forks beside them
// A thread that a fork does not have may have held the mutex.
const AtFork forget_ledger([] { ::new (&OomLedger::of_this_process()) OomLedger; });

}  // namespace

OomKills::OomKills(pid_t process) : OomKills(path("/proc") / std::to_string(process), "/sys/fs/cgroup", "/proc/vmstat") {}

OomKills::OomKills(const path& proc_self, const path& cgroup_root, const path& vmstat) {
  const auto use = [this](const path& counter, bool of_a_group) {
    if (!counter_.empty()) return;
    const std::optional<std::uint64_t> kills = kills_counted_in(counter);
    if (!kills) return;
    counter_ = counter;
    of_a_group_ = of_a_group;
    at_first_ = *kills;
  };
  // The innermost that can be seen: a group of version 2 counts those below it, too.
  for_each_cgroup(proc_self, cgroup_root, "memory",
                  [&](const path& group, bool v2) { use(group / (v2 ? "memory.events" : "memory.oom_control"), true); });
  use(vmstat, false);
}

std::optional<std::uint64_t> OomKills::read() const {
  if (counter_.empty()) return std::nullopt;
  return kills_counted_in(counter_);
}

std::string OomKills::where() const {
  if (!of_a_group_) return "on the machine";
  const path group = counter_.parent_path();
  std::string text = "in the control group " + group.string();
  for (const char* const limit : {"memory.max", "memory.limit_in_bytes"}) {
    std::uint64_t bytes = 0;  // "max" is none, and so is what version 1 has instead
    if (std::ifstream(group / limit) >> bytes && bytes < std::uint64_t{1} << 60) {
      text += ", whose own limit is " + std::to_string(bytes) + " bytes";
    }
  }
  return text;
}

OomLedger& OomLedger::of_this_process() {
  static auto* const instance = new OomLedger;  // for as long as there are pools
  return *instance;
}

OomLedger::Counter* OomLedger::counter(const OomKills& kills, Clock::time_point now, bool throttled) {
  if (kills.counter().empty()) return nullptr;
  const auto [at, is_new] = counters_.try_emplace(kills.counter());
  Counter& counter = at->second;
  if (is_new) {
    counter.count = kills.at_first();
    counter.looked = kills.made();
  } else if (throttled && now - counter.looked < kPeriod / 2) {
    return &counter;
  }
  const std::optional<std::uint64_t> count = kills.read();
  if (!count) return nullptr;
  if (now - counter.found > kRemembered) counter.unclaimed = 0;
  if (*count > counter.count) {
    if (counter.unclaimed == 0) counter.since = counter.looked;
    counter.unclaimed += *count - counter.count;
    counter.found = now;
  }
  counter.count = *count;  // smaller: it is another group by the same name
  counter.looked = now;
  return &counter;
}

void OomLedger::look(const OomKills& kills, Clock::time_point now) {
  const Lock lock(mutex_);
  counter(kills, now, true);
}

std::optional<OomLedger::Clock::duration> OomLedger::claim(const OomKills& kills, Clock::time_point now) {
  const Lock lock(mutex_);
  Counter* const counted = counter(kills, now, false);
  if (counted == nullptr || counted->unclaimed == 0 || counted->count == kills.at_first()) return std::nullopt;
  --counted->unclaimed;
  return now - counted->since;
}

}  // namespace pools::detail
