#pragma once

// The concurrency groups of a pool: their names and limits, and how many permits of each are taken.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/metrics.h"
#include "pools/options.h"

namespace pools::detail {

// A task of the group has one of `limit` permits from when it is given to a worker until it has ended there. Guarded by what guards the queue.
struct GroupPermits {
  explicit GroupPermits(const ConcurrencyGroup& given) : name(given.name), limit(given.limit) {}
  bool full() const noexcept { return taken >= limit; }

  const std::string name;
  const int limit;
  int taken = 0;
  std::size_t waiting = 0;  // tasks in the queue, also cancelled ones that nobody has come by
};

// Throws std::invalid_argument.
inline void check_groups(const std::vector<ConcurrencyGroup>& groups) {
  for (auto group = groups.begin(); group != groups.end(); ++group) {
    if (group->name.empty()) throw std::invalid_argument("a concurrency group has no name");
    if (group->limit < 1) {
      throw std::invalid_argument("the limit of the concurrency group '" + group->name + "' is " + std::to_string(group->limit) +
                                  "; allowed: 1 and more");
    }
    if (std::any_of(groups.begin(), group, [&](const ConcurrencyGroup& other) { return other.name == group->name; })) {
      throw std::invalid_argument("there are two concurrency groups '" + group->name + "'; allowed: one of a name");
    }
  }
}

[[noreturn]] inline void refuse_group(const std::string& name, const std::string& pool, const std::string& known) {
  throw std::invalid_argument(pool + " has no concurrency group '" + name + "'; it has " + (known.empty() ? "none" : known));
}

// Few: they are looked through. Group is a GroupPermits. Constant after construction, but for what a group itself has.
template <class Group>
class TaskGroups {
 public:
  explicit TaskGroups(const std::vector<ConcurrencyGroup>& given) {
    for (const ConcurrencyGroup& group : given) groups_.push_back(std::make_unique<Group>(group));
  }

  bool empty() const noexcept { return groups_.empty(); }
  auto begin() const noexcept { return groups_.begin(); }
  auto end() const noexcept { return groups_.end(); }
  // Throws std::invalid_argument, which names `pool`.
  Group& find(const std::string& name, const std::string& pool) const {
    std::string known;
    for (const auto& group : groups_) {
      if (group->name == name) return *group;
      known += (known.empty() ? "'" : ", '") + group->name + "'";
    }
    refuse_group(name, pool, known);
  }
  void add_to(PoolMetrics& metrics) const {
    for (const auto& group : groups_) {
      metrics.groups.push_back({.name = group->name, .limit = group->limit, .running = group->taken, .waiting = group->waiting});
    }
  }

 private:
  std::vector<std::unique_ptr<Group>> groups_;
};

}  // namespace pools::detail
