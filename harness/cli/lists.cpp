#include "harness/cli/lists.h"

#include <fmt/core.h>

#include <utility>

#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/core/sample.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/suite.h"
#include "harness/validate/claims.h"
#include "workloads/work.h"

namespace harness {
namespace {

std::vector<ListEntry> list_backends() {
  std::vector<ListEntry> entries;
  for (const BackendInfo& info : backends()) {
    const std::string missing =
        info.missing.empty()
            ? ""
            : fmt::format(" (not {}: {})", drivers::known_backend(info.name) != nullptr ? "here" : "in this build", info.missing);
    entries.push_back({std::string(info.name), std::string(info.summary) + missing});
  }
  return entries;
}

std::vector<ListEntry> list_strategies() {
  std::vector<ListEntry> entries;
  for (const StrategyInfo& info : strategies()) entries.push_back({std::string(info.name), std::string(info.summary)});
  return entries;
}

std::vector<ListEntry> list_workloads() {
  std::vector<ListEntry> entries;
  for (const workloads::Workload* const workload : workloads::catalogue()) {
    entries.push_back({std::string(workload->name()), std::string(workload->summary())});
  }
  return entries;
}

std::vector<ListEntry> list_suites() {
  std::vector<ListEntry> entries;
  for (const BuiltinSuite& builtin : builtin_suites()) {
    entries.push_back({std::string(builtin.name), load_suite(std::string(builtin.name)).description});
  }
  return entries;
}

std::vector<ListEntry> list_columns() {
  std::vector<ListEntry> entries;
  for (const Column& column : sample_columns()) {
    const std::string unit = column.unit.empty() ? "" : fmt::format(" [{}]", column.unit);
    entries.push_back({std::string(column.name), std::string(column.description) + unit});
  }
  return entries;
}

std::vector<ListEntry> list_claims() {
  std::vector<ListEntry> entries;
  for (const Claim& claim : claims()) entries.push_back({std::string(claim.id), std::string(claim.english)});
  return entries;
}

constexpr std::pair<std::string_view, std::vector<ListEntry> (*)()> kLists[] = {{"backends", &list_backends},
                                                                                {"workloads", &list_workloads},
                                                                                {"strategies", &list_strategies},
                                                                                {"suites", &list_suites},
                                                                                {"columns", &list_columns}};

}  // namespace

std::vector<std::string> list_names() {
  std::vector<std::string> names;
  for (const auto& [name, entries_of] : kLists) names.emplace_back(name);
  return names;
}

std::vector<ListEntry> list_of(std::string_view what) {
  if (what == "claims") return list_claims();
  for (const auto& [name, entries_of] : kLists) {
    if (name == what) return entries_of();
  }
  const std::vector<std::string> names = list_names();
  throw ConfigError(fmt::format("unknown list '{}'{}; allowed: {}", what, did_you_mean(std::string(what), names), join(names)));
}

}  // namespace harness
