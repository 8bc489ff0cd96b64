#include "harness/sweep/merge/merge.h"

#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/plan/part.h"
#include "harness/sweep/merge/chosen_rows.h"
#include "harness/sweep/sinks/csv.h"
#include "harness/sweep/sinks/file.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;
using std::filesystem::path;

// Files of a run beside results.csv.
constexpr std::pair<std::string_view, std::string_view> kRunFiles[] = {
    {"context", ".json"}, {"cells", ".json"}, {"tasks", ".csv"}, {"sojourns", ".csv"}, {"evidence", ".csv"}};

// From where, by the file's place in a directory.
std::map<path, path> files_of_runs(const Sources& sources) {
  std::map<path, path> files;
  std::error_code error;
  for (const Source& source : sources.all) {
    for (const auto& [run_id, context] : source.contexts) {
      for (const auto& [kind, extension] : kRunFiles) {
        const path place = path(kind) / (run_id + std::string(extension));
        const path from = source.directory / place;
        if (!std::filesystem::exists(from, error)) continue;
        const auto [at, is_new] = files.emplace(place, from);
        if (!is_new && kind == "context" &&
            read_file(at->second, "file", kMostTableBytes) != read_file(from, "file", kMostTableBytes)) {
          throw ConfigError(
              fmt::format("'{}' and '{}' are of two runs with the id {}; allowed: runs with ids of their own (--run-id with "
                          "--shard or --replicate makes such)",
                          at->second.string(), from.string(), run_id));
        }
      }
    }
  }
  return files;
}

void require_free(const path& output, const Sources& sources) {
  std::error_code error;
  for (const Source& source : sources.all) {
    if (std::filesystem::equivalent(output, source.directory, error)) {
      throw ConfigError(fmt::format("'{}' is one of the directories to merge; allowed: another one", output.string()));
    }
  }
  if (!std::filesystem::exists(output, error) || std::filesystem::exists(merge_record_path(output), error)) return;
  if (std::filesystem::is_directory(output, error) && std::filesystem::is_empty(output, error)) return;
  throw ConfigError(
      fmt::format("'{}' is there and was not made by `merge`; allowed: a new directory, or one that was merged before",
                  output.string()));
}

// What makes two merges ones of the same sweep.
void require_same_sweep(const path& output, const Source& source) {
  const path record = merge_record_path(output);
  const std::optional<std::string> text = read_file_if_there(record, "record of a merge", kMostContextBytes);
  if (!text) return;
  Json json;
  try {
    json = Json::parse(*text);
    const auto differ = [&](std::string_view what, const std::string& of_output, const std::string& of_source) {
      if (of_output == of_source) return;
      throw ConfigError(fmt::format("'{}' was merged from another sweep: {} is {} there and {} in '{}'; allowed: a new directory",
                                    output.string(), what, of_output, of_source, source.directory.string()));
    };
    differ("the suite", json.at("suite").get<std::string>(), source.last().suite);
    differ("the seed", std::to_string(json.at("seed").get<std::uint64_t>()), std::to_string(source.last().seed));
    differ("the build", json.at("build_id").get<std::string>(), source.build_id);
    differ("the run id of all parts", json.at("sweep").get<std::string>(), source.last().sweep);
  } catch (const Json::exception& error) {
    throw ConfigError(fmt::format("'{}' is not the record of a merge: {}", record.string(), printable(error.what())));
  }
  const std::optional<std::string> suite = read_file_if_there(output / "suite.toml", "suite", kMostSuiteBytes);
  if (suite && *suite != source.suite_text) {
    throw ConfigError(
        fmt::format("'{}' was merged from another sweep: its suite.toml differs from that of '{}'; allowed: a new directory",
                    output.string(), source.directory.string()));
  }
}

Json part_json(const PartStatus& part) {
  Json json;
  if (part.part) {
    json["kind"] = to_string(part.part->kind);
    json["index"] = part.part->index;
    json["count"] = part.part->count;
  }
  json["directories"] = Json::array();
  for (const path& directory : part.directories) json["directories"].push_back(directory.string());
  json["nodes"] = part.nodes;
  json["planned"] = part.planned;
  json["present"] = part.present;
  json["failed"] = part.failed;
  return json;
}

std::string record_text(const Sources& sources, const MergeStatus& status) {
  const Source& first = sources.all.front();
  Json json;
  json["sweep"] = first.last().sweep;
  json["suite"] = first.last().suite;
  json["seed"] = first.last().seed;
  json["build_id"] = first.build_id;
  json["complete"] = status.complete();
  json["parts"] = Json::array();
  for (const PartStatus& part : status.parts) json["parts"].push_back(part_json(part));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

std::size_t merge_into(const path& output, const Sources& sources, const MergeStatus& status) {
  if (sources.all.empty()) throw ConfigError("there is nothing to merge yet: not one part has begun");
  require_free(output, sources);
  require_same_sweep(output, sources.all.front());
  const std::map<path, path> files = files_of_runs(sources);
  require_writable_directory(output);
  // First, so that a merge that is cut off is known as one.
  replace_file(merge_record_path(output), record_text(sources, status));
  CsvSink results(output / "results.csv");
  std::error_code error;
  for (const auto& [place, from] : files) {
    const path to = output / place;
    if (std::filesystem::exists(to, error) && place.begin()->string() == "context") continue;
    std::filesystem::create_directories(to.parent_path(), error);
    replace_file(to, read_file(from, "file", kMostTableBytes));
  }
  const path suite = output / "suite.toml";
  if (!std::filesystem::exists(suite, error)) write_new_file(suite, sources.all.front().suite_text);

  std::map<std::string, Context> runs;
  for (Context& context : read_contexts(output)) runs.emplace(context.run_id, std::move(context));
  std::set<ChosenRows::Key> there;
  read_results(output / "results.csv", [&](const Sample& row) {
    if (const auto run = runs.find(row.run_id); run != runs.end()) there.insert(ChosenRows::key_of(row, run->second));
  });
  std::size_t added = 0;
  status.chosen->each([&](const Source& source, const Sample& row) {
    if (!there.insert(ChosenRows::key_of(row, source.contexts.at(row.run_id))).second) return;
    results.row({}, row, nullptr);
    ++added;
  });
  return added;
}

}  // namespace harness
