#include "harness/plan/hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/backends/remote.h"

namespace harness {
namespace {

// True: `remote` was among them.
bool extend(Axes& axes, const std::vector<std::string>& names) {
  const auto found = axes.find("backend");
  if (found == axes.end()) return false;
  std::vector<AxisValue> values;
  bool extended = false;
  for (const AxisValue& value : found->second) {
    values.push_back(value);
    if (value.text != "remote") continue;
    extended = true;
    for (const std::string& name : names) values.push_back({name, value.line});
  }
  found->second = std::move(values);
  return extended;
}

}  // namespace

std::vector<std::string> backends_over(std::string_view hosts) {
  std::vector<std::string> names;
  std::string listed;
  std::vector<std::string> seen;
  for (const std::string& host : hosts_of(std::string(kRemotePrefix) + std::string(hosts))) {
    if (std::ranges::find(seen, host) != seen.end()) throw ConfigError(fmt::format("--hosts '{}' has {} twice", hosts, host));
    seen.push_back(host);
    listed += (listed.empty() ? "" : ",") + host;
    names.push_back(std::string(kRemotePrefix) + listed);
  }
  return names;
}

Suite on_hosts(Suite suite, std::string_view hosts) {
  if (hosts.empty()) return suite;
  const std::vector<std::string> names = backends_over(hosts);
  bool extended = false;
  for (Exclusion& exclusion : suite.exclusions) extend(exclusion.axes, names);
  for (Table& table : suite.tables) {
    extended = extend(table.axes, names) || extended;
    for (Exclusion& exclusion : table.exclusions) extend(exclusion.axes, names);
  }
  if (!extended) throw ConfigError(fmt::format("--hosts '{}' does not apply: {} has no backend remote", hosts, suite.source));
  return suite;
}

}  // namespace harness
