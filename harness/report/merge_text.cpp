#include "harness/report/merge_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/base/text_table.h"
#include "harness/plan/part.h"
#include "harness/sweep/run_directory.h"

namespace harness {
namespace {

constexpr std::size_t kMostCells = 8;  // named of a part

std::string title_of(const PartStatus& part) { return part.part ? to_string(*part.part) : "all of it"; }

std::string directories_of(const PartStatus& part) {
  std::string text;
  for (const std::filesystem::path& directory : part.directories) text += (text.empty() ? "" : ", ") + directory.string();
  return text.empty() ? "not there" : text;
}

int repetitions_missing(const PartStatus& part) {
  int missing = 0;
  for (const MissingCell& cell : part.missing) missing += cell.repetitions;
  return missing;
}

std::string missing_text(const PartStatus& part) {
  std::string text;
  const int repetitions = repetitions_missing(part);
  if (part.directories.empty()) {
    text = fmt::format("{} has not begun, or was not given{}", title_of(part),
                       repetitions > 0 ? fmt::format(": {} repetitions", repetitions) : "");
  } else {
    text = fmt::format("{}: {} repetition{} of {} cell{} {} missing", title_of(part), repetitions, repetitions == 1 ? "" : "s",
                       part.missing.size(), part.missing.size() == 1 ? "" : "s", repetitions == 1 ? "is" : "are");
  }
  if (!part.taken_node.empty())
    text += fmt::format(", for it was measured on {}, which another replicate has; it takes a node of its own", part.taken_node);
  text += part.command.empty() ? "\n" : fmt::format("; measure with: {}\n", resume_command(part.command));
  if (part.directories.empty()) return text;
  for (std::size_t i = 0; i < std::min(part.missing.size(), kMostCells); ++i) {
    text += fmt::format("  {} x {}\n", part.missing[i].repetitions, part.missing[i].cell);
  }
  if (part.missing.size() > kMostCells) text += fmt::format("  and {} cells more\n", part.missing.size() - kMostCells);
  return text;
}

}  // namespace

std::string merge_text(const MergeStatus& status, std::size_t page) {
  TextTable table({{"part", TextTable::Column::left},
                   {"measured"},
                   {"failed"},
                   {"nodes", TextTable::Column::left},
                   {"directory", TextTable::Column::words}});
  for (const PartStatus& part : status.parts) {
    const std::string measured = part.planned > 0 ? fmt::format("{}/{}", part.present, part.planned) : "-";
    table.row({title_of(part), measured, std::to_string(part.failed), part.nodes.empty() ? "-" : join(part.nodes),
               directories_of(part)});
  }
  std::string text = table.text(page);
  if (status.doubles > 0)
    text += fmt::format("{} repetitions were measured twice; of each the one that started last counts\n", status.doubles);
  if (status.other_builds > 0) text += fmt::format("{} rows of other builds do not count\n", status.other_builds);
  for (const PartStatus& part : status.parts) {
    if (!part.missing.empty() || part.directories.empty()) text += missing_text(part);
  }
  return text;
}

std::string merge_json(const MergeStatus& status) {
  using Json = nlohmann::ordered_json;
  Json json;
  json["complete"] = status.complete();
  json["rows"] = status.rows;
  json["doubles"] = status.doubles;
  json["other_builds"] = status.other_builds;
  json["parts"] = Json::array();
  for (const PartStatus& part : status.parts) {
    Json one;
    one["part"] = title_of(part);
    one["directories"] = Json::array();
    for (const std::filesystem::path& directory : part.directories) one["directories"].push_back(directory.string());
    one["nodes"] = part.nodes;
    one["planned"] = part.planned;
    one["present"] = part.present;
    one["failed"] = part.failed;
    one["missing"] = Json::array();
    for (const MissingCell& cell : part.missing)
      one["missing"].push_back({{"cell", cell.cell}, {"repetitions", cell.repetitions}});
    one["command"] = part.command.empty() ? Json() : Json(part.command);
    json["parts"].push_back(std::move(one));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace harness
