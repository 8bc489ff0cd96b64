#include "harness/sweep/sinks/cells_json.h"

#include <fmt/core.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/json_integer.h"
#include "harness/base/read_file.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/cell_builder.h"
#include "harness/sweep/sinks/file.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kExplicit = "explicit";
constexpr const char* kTasks = "task_durations_ns";
constexpr const char* kArrivals = "arrivals_ns";
constexpr const char* kRuns = "runs";
constexpr const char* kShard = "shard";
constexpr const char* kCallbacks = "callback_durations_ns";

Json run_lengths(const std::vector<std::int64_t>& values) {
  Json runs = Json::array();
  for (auto first = values.begin(); first != values.end();) {
    const auto last = std::find_if(first, values.end(), [&](std::int64_t value) { return value != *first; });
    runs.push_back({last - first, *first});
    first = last;
  }
  return runs;
}

// Throws std::runtime_error.
template <std::integral Integer>
void get(const Json& json, Integer& value) {
  const std::optional<Integer> found = integer_of<Integer>(json);
  if (!found) {
    throw std::runtime_error(fmt::format("{} where {} is allowed", json.dump(-1, ' ', false, Json::error_handler_t::replace),
                                         range_of_integers<Integer>()));
  }
  value = *found;
}
void get(const Json& json, std::string& value) { json.get_to(value); }

// Of so many tasks.
std::vector<std::int64_t> expanded(const Json& runs, int tasks) {
  std::vector<std::int64_t> values;
  for (const Json& run : runs) {
    int count = 0;
    std::int64_t value = 0;
    get(run.at(0), count);
    get(run.at(1), value);
    if (count < 1 || static_cast<std::size_t>(count) > static_cast<std::size_t>(tasks) - values.size() || value < 0) {
      throw std::runtime_error(fmt::format("{} in the durations of {} tasks", run.dump(), tasks));
    }
    values.insert(values.end(), static_cast<std::size_t>(count), value);
  }
  if (values.size() != static_cast<std::size_t>(tasks)) {
    throw std::runtime_error(fmt::format("{} durations of {} tasks", values.size(), tasks));
  }
  return values;
}

Json json_of(const PlannedCell& planned, bool has_shards) {
  const Cell& cell = planned.cell;
  Json json;
  for_each_factor(cell, [&json](const Factor& factor, const auto& value) { json[std::string(factor.name)] = value; });
  if (cell.distribution == kExplicit) {
    json[kTasks] = run_lengths(cell.task_durations_ns);
    json[kCallbacks] = run_lengths(cell.callback_durations_ns);
  }
  if (is_trace(cell.arrivals)) json[kArrivals] = run_lengths(cell.arrivals_ns);
  if (planned.runs > 0) json[kRuns] = planned.runs;
  if (has_shards) json[kShard] = planned.shard;
  return json;
}

PlannedCell planned_from(const std::string& id, const Json& json) {
  Factors factors;
  for_each_factor(factors, [&json](const Factor& factor, auto& value) {
    const std::string name(factor.name);
    if (factor.since == 0 || json.contains(name)) get(json.at(name), value);
  });
  if (factors.tasks < 1 || factors.tasks > kMostTasksInAll) throw std::runtime_error(fmt::format("{} tasks", factors.tasks));
  CellBuilder builder(factors);
  if (factors.distribution == kExplicit) {
    builder.recorded_durations(expanded(json.at(kTasks), factors.tasks), expanded(json.at(kCallbacks), factors.tasks));
  }
  if (is_trace(factors.arrivals)) builder.recorded_arrivals(expanded(json.at(kArrivals), factors.tasks));
  Cell cell = builder.build();
  if (cell.cell_id != id) throw std::runtime_error(fmt::format("cell {} is not what its id says", id));
  PlannedCell planned{std::move(cell), 0, 0, {}};
  if (json.contains(kRuns)) get(json.at(kRuns), planned.runs);
  if (json.contains(kShard)) get(json.at(kShard), planned.shard);
  if (planned.runs < 0 || planned.shard < 1)
    throw std::runtime_error(fmt::format("{} runs in shard {}", planned.runs, planned.shard));
  return planned;
}

}  // namespace

std::filesystem::path cells_path(const std::filesystem::path& run_directory, const std::string& run_id) {
  return run_directory / "cells" / (run_id + ".json");
}

void write_cells(const std::filesystem::path& run_directory, const std::string& run_id, const Plan& plan) {
  const std::filesystem::path path = cells_path(run_directory, run_id);
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw OutputError(fmt::format("cannot create '{}': {}", path.parent_path().string(), error.message()));
  std::vector<PlannedCell> cells;
  if (std::filesystem::exists(path, error)) cells = read_planned_cells(path);
  std::set<std::string> known;
  for (const PlannedCell& planned : cells) known.insert(planned.cell.cell_id);
  for (const PlannedCell& planned : plan.cells) {
    if (known.insert(planned.cell.cell_id).second) cells.push_back(planned);
  }
  const bool has_shards = plan.part && plan.part->kind == PartKind::shard;
  // A cell a line: people look, too.
  std::string text = fmt::format("{{\n  \"run_id\": {},\n  \"cells\": {{", Json(run_id).dump());
  for (const PlannedCell& planned : cells) {
    text += fmt::format("{}\n    {}: {}", &planned == &cells.front() ? "" : ",", Json(planned.cell.cell_id).dump(),
                        json_of(planned, has_shards).dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  replace_file(path, text + "\n  }\n}\n");
}

std::vector<PlannedCell> read_planned_cells(const std::filesystem::path& file) {
  const std::string text = read_file(file, "cells file", kMostTableBytes);
  try {
    const Json json = Json::parse(text);
    std::vector<PlannedCell> cells;
    std::size_t tasks = 0;
    for (const auto& [id, cell] : json.at("cells").items()) {
      cells.push_back(planned_from(id, cell));
      tasks += cells.back().cell.task_durations_ns.size();
      if (tasks > static_cast<std::size_t>(kMostTasksInAll)) throw std::runtime_error("too many tasks in all");
    }
    return cells;
  } catch (const std::exception& error) {
    throw ConfigError(fmt::format("'{}' is not a file of cells: {}", file.string(), printable(error.what())));
  }
}

std::vector<Cell> read_cells_file(const std::filesystem::path& file) {
  std::vector<Cell> cells;
  for (PlannedCell& planned : read_planned_cells(file)) cells.push_back(std::move(planned.cell));
  return cells;
}

std::vector<Cell> read_cells(const std::filesystem::path& run_directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory / "cells", error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Cell> cells;
  for (const std::filesystem::path& file : files) {
    for (Cell& cell : read_cells_file(file)) cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace harness
