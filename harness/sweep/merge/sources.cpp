#include "harness/sweep/merge/sources.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/plan/part.h"
#include "harness/plan/suite.h"
#include "harness/sweep/sinks/cells_json.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/sweep/sinks/file.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;
using std::filesystem::path;

// A run that is calibrating has a results.csv with a header, and no context.
bool has_begun(const path& directory) {
  if (!read_contexts(directory).empty()) return true;
  bool any = false;
  peek_results(directory / "results.csv", [&](const Sample&) { any = true; });
  return any;
}

std::optional<SweepRecord> read_sweep_record(const path& directory) {
  const path file = sweep_record_path(directory);
  const std::optional<std::string> text = read_file_if_there(file, "sweep record", kMostContextBytes);
  if (!text) return std::nullopt;
  try {
    const Json json = Json::parse(*text);
    SweepRecord record;
    json.at("sweep").get_to(record.sweep);
    json.at("command").get_to(record.command);
    const std::optional<PartKind> kind = find_part_kind(json.at("kind").get<std::string>());
    if (!kind) throw ConfigError("its kind is neither shard nor replicate");
    record.part = parse_part("count", fmt::format("1/{}", json.at("count").get<std::int64_t>()), *kind);
    return record;
  } catch (const std::exception& error) {
    throw ConfigError(fmt::format("'{}' is not the record of a sweep: {}", file.string(), printable(error.what())));
  }
}

Source read_source(const path& directory) {
  std::error_code error;
  if (std::filesystem::exists(merge_record_path(directory), error)) {
    throw ConfigError(fmt::format("'{}' was merged from others already; allowed: those, as its {} has them", directory.string(),
                                  merge_record_path("").string()));
  }
  Source source;
  source.directory = directory;
  std::set<std::pair<std::string, std::string>> runs;  // build, run id: of rows
  std::map<std::string, std::size_t> rows;             // by build
  peek_results(directory / "results.csv", [&](const Sample& row) {
    runs.emplace(row.build_id, row.run_id);
    ++rows[row.build_id];
    source.build_id = row.build_id;
  });
  const std::vector<Context> contexts = read_contexts(directory);
  if (contexts.empty()) {
    throw ConfigError(
        fmt::format("'{}' holds no context/: not a directory of a run; allowed: the output directories of `poolbench run`",
                    directory.string()));
  }
  const auto later = [](const Context& a, const Context& b) { return a.started_utc < b.started_utc; };
  const Context& latest = *std::max_element(contexts.begin(), contexts.end(), later);
  if (source.build_id.empty()) source.build_id = latest.environment.build_id;
  for (const auto& [build, count] : rows) {
    if (build != source.build_id) source.other_builds += count;
  }
  const Context* last = nullptr;
  for (const Context& context : contexts) {
    if (context.environment.build_id != source.build_id) continue;
    source.contexts.emplace(context.run_id, context);
    if (last == nullptr || later(*last, context)) last = &context;
  }
  for (const auto& [build, run] : runs) {
    if (build == source.build_id && !source.contexts.contains(run)) {
      throw ConfigError(
          fmt::format("'{}' has rows of the run {} and no {}", directory.string(), run, context_path("", run).string()));
    }
  }
  source.part = last->part;
  const path cells = cells_path(directory, last->run_id);
  source.planned = read_planned_cells(cells);
  if (std::any_of(source.planned.begin(), source.planned.end(), [](const PlannedCell& cell) { return cell.runs < 1; })) {
    throw ConfigError(
        fmt::format("'{}' is of an earlier version and does not say how many repetitions were planned; run the suite once more "
                    "into that directory",
                    cells.string()));
  }
  source.suite_text = read_file(directory / "suite.toml", "suite", kMostSuiteBytes);
  return source;
}

void require_one_sweep(const Source& a, const Source& b) {
  const auto differ = [&](std::string_view what, const std::string& of_a, const std::string& of_b) {
    if (of_a == of_b) return;
    throw ConfigError(fmt::format("'{}' and '{}' are not of one sweep: {} is {} in the first and {} in the second",
                                  a.directory.string(), b.directory.string(), what, of_a, of_b));
  };
  if (a.suite_text != b.suite_text) {
    throw ConfigError(
        fmt::format("'{}' and '{}' are not of one sweep: their suite.toml differ", a.directory.string(), b.directory.string()));
  }
  const auto cut_of = [](const Source& source) -> std::string {
    if (!source.part || source.part->kind == PartKind::replicate) return "not at all";
    return fmt::format("into {} shards", source.part->count);
  };
  differ("the seed", std::to_string(a.last().seed), std::to_string(b.last().seed));
  differ("the build", a.build_id, b.build_id);
  differ("how it is cut", cut_of(a), cut_of(b));
  differ("the run id of all parts", a.last().sweep.empty() ? "not given" : a.last().sweep,
         b.last().sweep.empty() ? "not given" : b.last().sweep);
}

}  // namespace

bool holds_a_run(const path& directory) {
  std::error_code error;
  const auto there = [&](const path& inner) {
    const std::filesystem::file_status status = std::filesystem::status(inner, error);
    if (status.type() == std::filesystem::file_type::none) {
      throw ConfigError(fmt::format("cannot look into '{}': {}", directory.string(), error.message()));
    }
    return status.type() != std::filesystem::file_type::not_found;
  };
  return there(directory / "results.csv") || there(directory / "context");
}

path merge_record_path(const path& directory) { return directory / "merge.json"; }

path sweep_record_path(const path& directory) { return directory / "sweep.json"; }

void write_sweep_record(const path& directory, const SweepRecord& record) {
  Json json;
  json["sweep"] = record.sweep;
  json["kind"] = to_string(record.part.kind);
  json["count"] = record.part.count;
  json["command"] = record.command;
  write_new_file(sweep_record_path(directory), json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

Sources read_sources(const std::vector<path>& directories) {
  Sources sources;
  std::set<path> seen;
  const auto add = [&](const path& directory) {
    std::error_code error;
    const path canonical = std::filesystem::canonical(directory, error);
    if (!seen.insert(error ? directory : canonical).second) return;  // given twice
    sources.all.push_back(read_source(directory));
    require_one_sweep(sources.all.front(), sources.all.back());
  };
  for (const path& directory : directories) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
      throw ConfigError(
          fmt::format("'{}' is not a directory; allowed: the output directories of `poolbench run --shard I/N`, or the one that "
                      "holds them",
                      directory.string()));
    }
    if (holds_a_run(directory)) {
      add(directory);
      continue;
    }
    std::vector<path> inner;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      std::error_code unknown;
      if (!entry.is_directory(unknown) || !holds_a_run(entry.path())) continue;
      const bool merged = std::filesystem::exists(merge_record_path(entry.path()), unknown);  // as by `merge DIR -o DIR/merged`
      if (!merged) inner.push_back(entry.path());
    }
    if (error) throw ConfigError(fmt::format("cannot look into '{}': {}", directory.string(), error.message()));
    std::sort(inner.begin(), inner.end());
    const std::optional<SweepRecord> record = read_sweep_record(directory);
    if (record) {
      if (sources.record && sources.record->sweep != record->sweep) {
        throw ConfigError(fmt::format("'{}' and '{}' are of two sweeps: {} and {}", sources.record_directory.string(),
                                      directory.string(), sources.record->sweep, record->sweep));
      }
      sources.record = record;
      sources.record_directory = directory;
    } else if (inner.empty()) {
      throw ConfigError(
          fmt::format("'{}' is no shard: it holds no results.csv, nor a directory that does; allowed: the output directories of "
                      "`poolbench run --shard I/N`, or the one that holds them",
                      directory.string()));
    }
    for (const path& source : inner) {
      if (has_begun(source)) add(source);
    }
  }
  return sources;
}

}  // namespace harness
