// What of a sweep is there, part by part.

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "harness/plan/part.h"
#include "harness/plan/scenario.h"
#include "harness/sweep/merge/merge.h"
#include "harness/sweep/merge/chosen_rows.h"
#include "harness/sweep/sinks/csv.h"

namespace harness {
namespace {

using Repetition = std::pair<std::string, std::int64_t>;  // cell_id, rep
// By machine, of one scenario of one part.
using Measured = std::map<std::string, std::set<Repetition>>;

// Parts by their number; whole sweeps each on its own.
using PartKey = std::pair<int, std::string>;
PartKey key_of(const Source& source) {
  return source.part ? PartKey(source.part->index, "") : PartKey(0, source.directory.string());
}

struct Entry {
  PartStatus status;
  const Source* planner = nullptr;           // whose plan says what is to be measured
  std::map<std::string, Measured> measured;  // by scenario
  std::set<Repetition> failed;
  std::set<std::string> nodes;
};

// A replicate is of one machine, and no two are of the same: of what was measured on a machine that an earlier one has nothing counts.
void take_machines(std::map<PartKey, Entry>& entries) {
  std::set<std::string> taken;
  for (auto& [key, entry] : entries) {
    if (!entry.status.part || entry.status.part->kind != PartKind::replicate) continue;
    std::map<std::string, std::size_t> repetitions;  // by machine
    for (auto& [scenario, machines] : entry.measured) {
      std::erase_if(machines, [&, &entry = entry](const auto& of_machine) {
        if (!taken.contains(of_machine.first)) return false;
        entry.status.taken_node = of_machine.first.substr(of_machine.first.rfind(' ') + 1);
        return true;
      });
      for (const auto& [machine, measured] : machines) repetitions[machine] += measured.size();
    }
    const auto most = std::max_element(repetitions.begin(), repetitions.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == repetitions.end()) continue;
    taken.insert(most->first);
    for (auto& [scenario, machines] : entry.measured) {
      std::erase_if(machines, [&](const auto& of_machine) { return of_machine.first != most->first; });
    }
  }
}

bool is_sharded(const Source& source) { return source.part && source.part->kind == PartKind::shard; }

// `argv` for another part, and another directory.
std::vector<std::string> command_for(std::vector<std::string> argv, const Part& from, const Part& to,
                                     const std::string& directory) {
  const std::string own = fmt::format("{}/{}", from.index, from.count);
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const auto value_of = [&](std::string_view flag) -> std::string* {
      if (i > 0 && argv[i - 1] == flag) return &argv[i];
      return nullptr;
    };
    const std::string wanted = fmt::format("{}/{}", to.index, to.count);
    for (const std::string_view flag : {"--shard", "--replicate"}) {
      if (std::string* const value = value_of(flag); value != nullptr && *value == own) *value = wanted;
      if (argv[i] == fmt::format("{}={}", flag, own)) argv[i] = fmt::format("{}={}", flag, wanted);
    }
    for (const std::string_view flag : {"-o", "--output"}) {
      if (std::string* const value = value_of(flag)) *value = directory;
    }
    if (argv[i].starts_with("--output=")) argv[i] = "--output=" + directory;
  }
  std::erase(argv, "--fresh");
  return argv;
}

// Where the part would be, beside that of another: its name with the other number, ".../2of3".
std::string directory_beside(const std::filesystem::path& other, const Part& of_other, const Part& part) {
  std::string name = other.string();
  const std::string from = short_name(of_other);
  const std::size_t at = name.rfind(from);
  const std::string to = short_name(part);
  if (at == std::string::npos) return name + "." + to;
  return name.replace(at, from.size(), to);
}

void count(Entry& entry) {
  std::map<std::string, std::vector<const PlannedCell*>> scenarios;
  for (const PlannedCell& planned : entry.planner->planned) {
    if (measures(entry.status.part, planned)) scenarios[scenario_key(planned.cell)].push_back(&planned);
  }
  std::map<const PlannedCell*, int> missing;
  for (const auto& [key, cells] : scenarios) {
    const auto present_in = [&, &cells = cells](const std::set<Repetition>& repetitions, const PlannedCell& planned) {
      int present = 0;
      for (int rep = 0; rep < planned.runs; ++rep) present += repetitions.contains({planned.cell.cell_id, rep}) ? 1 : 0;
      return present;
    };
    // All that a verdict compares is of one machine: of the one that has most of it.
    const std::set<Repetition>* best = nullptr;
    int most = -1;
    const auto at = entry.measured.find(key);
    if (at != entry.measured.end()) {
      for (const auto& [machine, repetitions] : at->second) {
        int present = 0;
        for (const PlannedCell* const planned : cells) present += present_in(repetitions, *planned);
        if (present > most) {
          most = present;
          best = &repetitions;
        }
      }
    }
    for (const PlannedCell* const planned : cells) {
      const int present = best != nullptr ? present_in(*best, *planned) : 0;
      entry.status.planned += planned->runs;
      entry.status.present += present;
      if (present < planned->runs) missing[planned] = planned->runs - present;
      for (int rep = 0; rep < planned->runs; ++rep)
        entry.status.failed += entry.failed.contains({planned->cell.cell_id, rep}) ? 1 : 0;
    }
  }
  for (const PlannedCell& planned : entry.planner->planned) {  // in plan order
    const auto at = missing.find(&planned);
    if (at != missing.end()) entry.status.missing.push_back({describe(planned.cell), at->second});
  }
}

}  // namespace

bool MergeStatus::complete() const {
  return std::all_of(parts.begin(), parts.end(),
                     [](const PartStatus& part) { return part.missing.empty() && !part.directories.empty(); });
}

MergeStatus status_of(const Sources& sources) {
  std::map<PartKey, Entry> entries;
  for (const Source& source : sources.all) {
    Entry& entry = entries[key_of(source)];
    entry.status.part = source.part;
    entry.status.directories.push_back(source.directory);
    if (entry.planner == nullptr || source.last().started_utc > entry.planner->last().started_utc) entry.planner = &source;
  }
  // Parts that nobody gave.
  std::optional<Part> any = sources.record ? std::optional<Part>(sources.record->part) : std::nullopt;
  if (!any && !sources.all.empty()) any = sources.all.front().part;
  const int parts = any ? any->count : 0;
  for (int index = 1; index <= parts; ++index) {
    Entry& entry = entries[{index, ""}];
    entry.status.part = Part{any->kind, index, any->count};
    if (entry.planner == nullptr && !sources.all.empty()) entry.planner = &sources.all.front();
  }

  MergeStatus status;
  status.chosen = std::make_shared<const ChosenRows>(sources);
  status.rows = status.chosen->size();
  status.doubles = status.chosen->doubles();
  for (const Source& source : sources.all) {
    status.other_builds += source.other_builds;
    struct Known {
      int shard;
      std::string scenario;
    };
    std::map<std::string, Known> planned;
    for (const PlannedCell& cell : source.planned) planned.emplace(cell.cell.cell_id, Known{cell.shard, scenario_key(cell.cell)});
    peek_results(source.directory / "results.csv", [&](const Sample& row) {
      const auto cell = planned.find(row.cell_id);
      const auto run = source.contexts.find(row.run_id);
      if (row.build_id != source.build_id || row.is_warmup != 0 || cell == planned.end()) return;
      if (run == source.contexts.end()) return;  // it began since
      Entry& entry = entries[is_sharded(source) ? PartKey(cell->second.shard, "") : key_of(source)];
      const bool one_node = source.part && source.part->kind == PartKind::replicate;
      entry.measured[cell->second.scenario][one_node ? machine_of(run->second) : row.machine_id].emplace(row.cell_id, row.rep);
      entry.nodes.insert(run->second.environment.node_name());
      if (row.status != "ok") entry.failed.emplace(row.cell_id, row.rep);
    });
  }
  take_machines(entries);
  for (auto& [key, entry] : entries) {
    PartStatus& part = entry.status;
    if (entry.planner != nullptr) count(entry);
    part.nodes.assign(entry.nodes.begin(), entry.nodes.end());
    if (!part.missing.empty() || part.directories.empty()) {
      if (!part.directories.empty()) {
        part.command = command_for(entry.planner->last().argv, part.part.value_or(Part{}), part.part.value_or(Part{}),
                                   part.directories.back().string());
      } else if (sources.record) {
        part.command = command_for(sources.record->command, sources.record->part, *part.part,
                                   (sources.record_directory / short_name(*part.part)).string());
      } else if (entry.planner != nullptr && entry.planner->part) {
        part.command = command_for(entry.planner->last().argv, *entry.planner->part, *part.part,
                                   directory_beside(entry.planner->directory, *entry.planner->part, *part.part));
      }
    }
    status.parts.push_back(std::move(part));
  }
  return status;
}

}  // namespace harness
