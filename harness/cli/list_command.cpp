// poolbench list backends|workloads|strategies|suites|columns

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/text_table.h"
#include "harness/cli/cli.h"
#include "harness/cli/lists.h"

namespace harness {
namespace {

int list(const std::string& what, bool json) {
  const std::vector<ListEntry> entries = list_of(what);
  if (json) {
    nlohmann::ordered_json listed = nlohmann::ordered_json::array();
    for (const ListEntry& entry : entries) listed.push_back({{"name", entry.name}, {"summary", entry.summary}});
    write_stdout(nlohmann::ordered_json{{what, listed}}.dump(2) + '\n');
    return kExitOk;
  }
  TextTable table({{"", TextTable::Column::left}, {"", TextTable::Column::words}});
  for (const ListEntry& entry : entries) table.row({entry.name, entry.summary});
  write_stdout(table.text(line_columns()));
  return kExitOk;
}

}  // namespace

void add_list_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("list", "What there is: backends, workloads, strategies, suites or columns");
  struct Flags {
    std::string what;
    bool json = false;
  };
  const auto flags = std::make_shared<Flags>();
  command->add_option("WHAT", flags->what, "backends, workloads, strategies, suites, or columns (of results.csv)")->required();
  command->add_flag("--json", flags->json, "One JSON document instead of lines");
  command->callback([flags, &context] { context.action = [flags] { return list(flags->what, flags->json); }; });
}

}  // namespace harness
