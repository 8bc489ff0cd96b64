#include "harness/plan/pythons.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/engine/backends/cpython.h"
#include "harness/engine/drivers/catalogue.h"

namespace harness {
namespace {

bool is_of_python(std::string_view backend) {
  const auto all = cpython_backends();
  return std::ranges::find(all, backend, &drivers::DriverBackend::name) != all.end();
}

std::string known() {
  std::vector<std::string> names;
  for (const drivers::DriverBackend* const backend : cpython_backends()) names.emplace_back(backend->name());
  return join(names);
}

// True: there was one to replace.
bool replace(Axes& axes, const std::vector<std::string>& suffixes) {
  const auto found = axes.find("backend");
  if (found == axes.end()) return false;
  std::vector<AxisValue> values;
  bool replaced = false;
  for (AxisValue& value : found->second) {
    if (!is_of_python(value.text)) {
      values.push_back(std::move(value));
      continue;
    }
    replaced = true;
    for (const std::string& suffix : suffixes) values.push_back({value.text + suffix, value.line});
  }
  found->second = std::move(values);
  return replaced;
}

}  // namespace

Suite on_pythons(Suite suite, const std::vector<std::string>& paths) {
  if (paths.empty()) return suite;
  std::vector<std::string> suffixes;
  for (const std::string& path : paths) {
    const std::string suffix = drivers::add_python(path);
    if (std::ranges::find(suffixes, suffix) == suffixes.end()) suffixes.push_back(suffix);
  }
  bool replaced = false;
  const auto replace_in = [&](std::vector<Exclusion>& exclusions) {
    for (Exclusion& exclusion : exclusions) replace(exclusion.axes, suffixes);
  };
  replace_in(suite.exclusions);
  for (Table& table : suite.tables) {
    replaced = replace(table.axes, suffixes) || replaced;
    replace_in(table.exclusions);
  }
  if (!replaced) {
    throw ConfigError(fmt::format("--python '{}' does not apply: {} has none of Python's backends, which are {}", paths.front(),
                                  suite.source, known()));
  }
  return suite;
}

std::string on_python(const std::string& backend, const std::string& path) {
  if (!is_of_python(backend)) {
    throw ConfigError(fmt::format("--python '{}' does not apply to backend {}, only to {}", path, backend, known()));
  }
  return backend + drivers::add_python(path);
}

}  // namespace harness
