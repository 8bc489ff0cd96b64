// poolbench list backends|workloads|strategies|suites|columns

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/cli/cli.h"
#include "harness/core/sample.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/suite.h"
#include "workloads/work.h"

namespace harness {
namespace {

struct Entry {
  std::string name;
  std::string summary;
};

std::vector<Entry> list_backends() {
  std::vector<Entry> entries;
  for (const BackendInfo& info : backends()) {
    const std::string missing =
        info.missing.empty()
            ? ""
            : fmt::format(" (not {}: {})", drivers::known_backend(info.name) != nullptr ? "here" : "in this build", info.missing);
    entries.push_back({std::string(info.name), std::string(info.summary) + missing});
  }
  return entries;
}

std::vector<Entry> list_strategies() {
  std::vector<Entry> entries;
  for (const StrategyInfo& info : strategies()) entries.push_back({std::string(info.name), std::string(info.summary)});
  return entries;
}

std::vector<Entry> list_workloads() {
  std::vector<Entry> entries;
  for (const workloads::Workload* const workload : workloads::catalogue()) {
    entries.push_back({std::string(workload->name()), std::string(workload->summary())});
  }
  return entries;
}

std::vector<Entry> list_suites() {
  std::vector<Entry> entries;
  for (const BuiltinSuite& builtin : builtin_suites()) {
    entries.push_back({std::string(builtin.name), load_suite(std::string(builtin.name)).description});
  }
  return entries;
}

std::vector<Entry> list_columns() {
  std::vector<Entry> entries;
  for (const Column& column : sample_columns()) {
    const std::string unit = column.unit.empty() ? "" : fmt::format(" [{}]", column.unit);
    entries.push_back({std::string(column.name), std::string(column.description) + unit});
  }
  return entries;
}

constexpr std::pair<std::string_view, std::vector<Entry> (*)()> kLists[] = {{"backends", &list_backends},
                                                                            {"workloads", &list_workloads},
                                                                            {"strategies", &list_strategies},
                                                                            {"suites", &list_suites},
                                                                            {"columns", &list_columns}};

int list(const std::string& what) {
  std::vector<std::string> names;
  for (const auto& [name, entries_of] : kLists) {
    names.emplace_back(name);
    if (name != what) continue;
    const std::vector<Entry> entries = entries_of();
    std::size_t width = 0;
    for (const Entry& entry : entries) width = std::max(width, entry.name.size());
    std::string text;
    for (const Entry& entry : entries) text += fmt::format("{:{}}  {}\n", entry.name, width, entry.summary);
    write_stdout(text);
    return kExitOk;
  }
  throw ConfigError(fmt::format("unknown list '{}'{}; allowed: {}", what, did_you_mean(what, names), join(names)));
}

}  // namespace

void add_list_command(CLI::App& app, CommandContext& context) {
  CLI::App* const command = app.add_subcommand("list", "What there is: backends, workloads, strategies, suites or columns");
  const auto what = std::make_shared<std::string>();
  command->add_option("WHAT", *what, "backends, workloads, strategies, suites, or columns (of results.csv)")->required();
  command->callback([what, &context] { context.action = [what] { return list(*what); }; });
}

}  // namespace harness
