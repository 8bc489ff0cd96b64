#include "harness/plan/part.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/plan/scenario.h"

namespace harness {
namespace {

constexpr std::int64_t kMostShards = 10'000;

// By scenario: how long all repetitions of its cells take, in ns; doubles, for sums of it may pass 63 bits.
std::unordered_map<std::string, double> times_of(const Plan& plan) {
  std::unordered_map<std::string, double> times;
  for (const PlannedCell& planned : plan.cells) {
    times[scenario_key(planned.cell)] +=
        static_cast<double>(estimated_time(planned.cell).count()) * (static_cast<double>(planned.runs) + planned.warmup);
  }
  return times;
}

bool has_all_of(const std::unordered_map<std::string, double>& times, const Plan& plan) {
  return std::all_of(plan.cells.begin(), plan.cells.end(),
                     [&](const PlannedCell& planned) { return times.contains(scenario_key(planned.cell)); });
}

}  // namespace

Part parse_part(std::string_view flag, std::string_view text, PartKind kind) {
  const std::size_t slash = text.find('/');
  try {
    if (slash == std::string_view::npos) throw ConfigError("");
    const std::int64_t count = parse_integer(text.substr(slash + 1), flag, 1, kMostShards);
    const std::int64_t index = parse_integer(text.substr(0, slash), flag, 1, count);
    return {kind, static_cast<int>(index), static_cast<int>(count)};
  } catch (const ConfigError&) {
    throw ConfigError(
        fmt::format("bad {} '{}'; allowed: I/N, the I-th of N parts, 1/3 for example (at most {})", flag, text, kMostShards));
  }
}

std::string_view to_string(PartKind kind) { return kind == PartKind::shard ? "shard" : "replicate"; }

std::optional<PartKind> find_part_kind(std::string_view name) {
  for (const PartKind kind : {PartKind::shard, PartKind::replicate}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::string to_string(const Part& part) { return fmt::format("{} {} of {}", to_string(part.kind), part.index, part.count); }

std::string short_name(const Part& part) { return fmt::format("{}of{}", part.index, part.count); }

void cut(Plan& plan, const Part& part, const Plan& nominal) {
  plan.part = part;
  if (part.kind == PartKind::replicate) return;
  std::unordered_map<std::string, double> times = times_of(nominal);
  if (!has_all_of(times, plan)) times = times_of(plan);
  struct Group {
    double time = 0;  // of all its cells
    std::vector<PlannedCell*> cells;
  };
  std::vector<Group> groups;  // in plan order
  std::unordered_map<std::string, std::size_t> group_of;
  for (PlannedCell& planned : plan.cells) {
    const auto [at, is_new] = group_of.emplace(scenario_key(planned.cell), groups.size());
    if (is_new) groups.push_back({times.at(at->first), {}});
    groups[at->second].cells.push_back(&planned);
  }
  if (static_cast<std::size_t>(part.count) > groups.size()) {
    throw ConfigError(fmt::format(
        "bad number of shards {}: cells that are compared with each other share a shard, and the plan has {} group{} of them; "
        "allowed: at most {} shard{}",
        part.count, groups.size(), groups.size() == 1 ? "" : "s", groups.size(), groups.size() == 1 ? "" : "s"));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.time > b.time; });
  struct Load {
    double time = 0;
    std::size_t groups = 0;
  };
  std::vector<Load> loads(static_cast<std::size_t>(part.count));
  for (const Group& group : groups) {
    const auto least = std::min_element(loads.begin(), loads.end(), [](const Load& a, const Load& b) {
      return a.time < b.time || (a.time == b.time && a.groups < b.groups);  // groups that take none are dealt as well
    });
    least->time += group.time;
    ++least->groups;
    for (PlannedCell* const planned : group.cells) planned->shard = static_cast<int>(least - loads.begin()) + 1;
  }
}

}  // namespace harness
