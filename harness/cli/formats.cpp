#include "harness/cli/formats.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "harness/report/flat_table.h"

namespace harness {

FormatOptions add_format_flags(CLI::App& command, FormatFlags& flags) {
  CLI::Option* const json = command.add_flag("--json", flags.json, "One JSON document instead of text");
  CLI::Option* const markdown =
      command.add_flag("--markdown", flags.markdown, "A Markdown table instead of text")->excludes(json);
  CLI::Option* const csv = command.add_flag("--csv", flags.csv, "Comma-separated values with a header instead of text")
                               ->excludes(json)
                               ->excludes(markdown);
  return {markdown, csv};
}

std::string in_format(const FormatFlags& flags, const std::string& json, std::string_view array) {
  if (flags.json) return json;
  const nlohmann::ordered_json rows = nlohmann::ordered_json::parse(json).at(std::string(array));
  return flags.csv ? csv_of(rows) : markdown_of(rows);
}

}  // namespace harness
