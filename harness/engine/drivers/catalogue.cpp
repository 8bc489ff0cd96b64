#include "harness/engine/drivers/catalogue.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/engine/backends/cpython.h"
#include "harness/engine/backends/node.h"
#include "harness/engine/drivers/programs.h"

namespace harness::drivers {
namespace {

// A backend that is not of this program alone.
struct Made {
  std::string origin;  // what the driver of "driver:PATH" said of itself; the path of another Python
  std::unique_ptr<DriverBackend> backend;
};

std::mutex made_mutex;
std::map<std::string, Made, std::less<>>& made() {  // guarded by made_mutex
  static std::map<std::string, Made, std::less<>> kMade;
  return kMade;
}

Command command_of(std::string_view name) { return {std::string(name.substr(kPrefix.size()))}; }

// Whether the python3 of the PATH runs it.
bool is_on_the_path(std::string_view name) {
  const auto all = cpython_backends();
  return std::ranges::find(all, name, &DriverBackend::name) != all.end();
}

// Throws DriverError. REQUIRES: made_mutex is held.
const DriverBackend& add(std::string_view name, std::string description) {
  auto backend = std::make_unique<DriverBackend>(std::string(name), description_from(description),
                                                 [command = command_of(name)] { return command; });
  return *made().emplace(std::string(name), Made{std::move(description), std::move(backend)}).first->second.backend;
}

// REQUIRES: made_mutex is held.
void add_backends_of(const std::string& python, const std::string& suffix) {
  for (auto& backend : cpython_backends_of(python, suffix)) {
    std::string name(backend->name());
    made().emplace(std::move(name), Made{python, std::move(backend)});
  }
}

}  // namespace

std::span<const DriverBackend* const> builtin_backends() {
  static const std::vector<const DriverBackend*> kAll = [] {
    std::vector<const DriverBackend*> all;
    for (const auto& backends : {cpython_backends(), node_backends()}) all.insert(all.end(), backends.begin(), backends.end());
    return all;
  }();
  return kAll;
}

const DriverBackend& backend_at(std::string_view name) {
  const std::lock_guard lock(made_mutex);
  if (const auto found = made().find(name); found != made().end()) return *found->second.backend;
  if (name == kPrefix) throw ConfigError("driver: has no path; it is driver:PATH, of a program that speaks docs/drivers.md");
  if (std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < ' '; })) {
    throw ConfigError("'" + printable(name, 60) + "' has a control character, which no row of results can hold");
  }
  try {
    return add(name, ask(command_of(name), kDescribeQuestion, kMostBytesOfWords, kAnswersWithin));
  } catch (const DriverError& error) {
    throw ConfigError(std::string(name) + ": " + error.what());
  }
}

std::string add_python(const std::string& path) {
  const std::vector<std::unique_ptr<DriverBackend>> probes = cpython_backends_of(path, "");
  Description python;
  try {
    python = describe(probes.front()->command());
  } catch (const DriverError& error) {
    throw ConfigError(fmt::format("--python '{}': {}", path, error.what()));
  }
  const std::string interpreter = is_shim(path) && !python.executable.empty() ? python.executable : path;
  const std::string minor = python.version.substr(0, python.version.find('.', python.version.find('.') + 1));
  const std::string plain =
      fmt::format("@{}{}{}", python.language == "cpython" ? "" : python.language, minor, python.one_lock ? "" : "t");
  const std::lock_guard lock(made_mutex);
  for (int number = 1;; ++number) {
    std::string suffix = number == 1 ? plain : fmt::format("{}_{}", plain, number);
    const auto known = made().find("cpython_thread" + suffix);
    if (known == made().end()) {
      add_backends_of(interpreter, suffix);
      return suffix;
    }
    if (known->second.origin == interpreter) return suffix;
  }
}

void remember(std::string_view name, std::string_view origin) {
  if (is_on_the_path(name)) return set_python_on_path(origin);
  const std::lock_guard lock(made_mutex);
  if (made().contains(name)) return;
  if (name.starts_with(kPrefix)) {
    add(name, std::string(origin));
  } else {
    add_backends_of(std::string(origin), std::string(name.substr(name.find('@'))));
  }
}

std::string origin_of(std::string_view name) {
  if (is_on_the_path(name)) return python_on_path().value_or("").string();
  const std::lock_guard lock(made_mutex);
  const auto found = made().find(name);
  return found == made().end() ? std::string() : found->second.origin;
}

const DriverBackend* known_backend(std::string_view name) {
  const auto all = builtin_backends();
  const auto builtin = std::ranges::find(all, name, &DriverBackend::name);
  if (builtin != all.end()) return *builtin;
  const std::lock_guard lock(made_mutex);
  const auto found = made().find(name);
  return found == made().end() ? nullptr : found->second.backend.get();
}

}  // namespace harness::drivers
