#pragma once

// A backend that this build goes without: it is known, and skipped.

#include <string>
#include <string_view>

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
  void require() const override { throw ConfigError(skip_reason("")); }
  int tasks_at_once(const Factors& factors) const override { return factors.workers; }
  Trace run(const PreparedCell& /*prepared*/) const override { throw ConfigError(skip_reason("")); }

 private:
  std::string_view name_;
  std::string_view summary_;
  std::string_view missing_;
};

}  // namespace harness
