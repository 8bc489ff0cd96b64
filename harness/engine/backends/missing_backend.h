#pragma once

// A backend that this build goes without: it is known, and skipped. And those that a build registers, missing ones among them.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/errors.h"
#include "harness/engine/backends/backend.h"

namespace harness {

class MissingBackend final : public Backend {
 public:
  // `missing`: what this build lacks for it, and what helps.
  MissingBackend(std::string_view name, std::string_view summary, std::string_view missing)
      : name_(name), summary_(summary), missing_(missing) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  std::string_view missing() const override { return missing_; }
  std::string skip_reason(std::string_view /*strategy*/) const override {
    return "this build goes without '" + std::string(name_) + "': " + std::string(missing_);
  }
  std::string arrivals_skip_reason(const Factors& /*factors*/) const override { return {}; }
  void require() const override { throw ConfigError(skip_reason("")); }
  int tasks_at_once(const Factors& factors) const override { return factors.workers; }
  Trace run(const PreparedCell& /*prepared*/) const override { throw ConfigError(skip_reason("")); }

 private:
  std::string_view name_;
  std::string_view summary_;
  std::string_view missing_;
};

// All that a CMakeLists.txt registers, in its order: what make(registered) gives, and what this build goes without as missing. They live as
// long as the program.
template <class Registered, class Make>
std::vector<const Backend*> backends_of(std::span<const Registered> all, Make make) {
  static const std::vector<std::unique_ptr<Backend>> kMade = [&] {
    std::vector<std::unique_ptr<Backend>> made;
    for (const Registered& each : all) {
      made.push_back(each.make != nullptr ? make(each) : std::make_unique<MissingBackend>(each.name, each.summary, each.missing));
    }
    return made;
  }();
  std::vector<const Backend*> backends;
  for (const auto& backend : kMade) backends.push_back(backend.get());
  return backends;
}

}  // namespace harness
