#include "harness/cli/formats.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/cli/cli.h"
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

void add_colour_flag(CLI::App& command, CommandContext& context) {
  command
      .add_option("--color", context.colours,
                  "Colours of the text: auto (on a terminal, where NO_COLOR is not set), always or never")
      ->capture_default_str();
}

void add_verbosity_flags(CLI::App& command, CommandContext& context) {
  CLI::Option* const quiet = command.add_flag("-q,--quiet", context.quiet, "Say nothing but the result and errors");
  command
      .add_flag("-v,--verbose", context.verbose,
                "Say also what is done and decided, and why: each cell as it ends, the calibration")
      ->excludes(quiet);
}

Colours colours_of(const std::string& when) {
  if (when == "auto") return Colours::on_terminals;
  if (when == "always") return Colours::always;
  if (when == "never") return Colours::never;
  throw ConfigError(fmt::format("bad --color '{}'; allowed: auto, always, never", when));
}

std::string in_format(const FormatFlags& flags, const std::string& json, std::string_view array) {
  if (flags.json) return json;
  const nlohmann::ordered_json rows = nlohmann::ordered_json::parse(json).at(std::string(array));
  return flags.csv ? csv_of(rows) : markdown_of(rows);
}

}  // namespace harness
