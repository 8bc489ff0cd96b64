#pragma once

// An executor of another language as a backend: a cell goes to its driver as data, the trace comes back as data. Its stamps are of the
// same clock, its works mean the same, down to the digest.

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "harness/engine/backends/backend.h"
#include "harness/engine/drivers/protocol.h"

namespace harness::drivers {

class DriverBackend final : public Backend {
 public:
  // How its driver is started. Throws ConfigError naming what this machine lacks for it.
  using Start = std::function<Command()>;

  // `known` is what describe() will say of it but for language, version, executable and lock. `missing`, asked at most once, is what
  // this machine lacks for it, so that its cells are skipped; empty: nothing.
  DriverBackend(std::string name, Description known, Start start, std::function<std::string()> missing = {})
      : name_(std::move(name)), known_(std::move(known)), start_(std::move(start)), ask_missing_(std::move(missing)) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return known_.name; }
  std::string_view missing() const override;
  std::string skip_reason(std::string_view strategy) const override;
  std::string workload_skip_reason(std::string_view workload) const override;
  std::string arrivals_skip_reason(const Factors& factors) const override;
  void require() const override { start_(); }
  int tasks_at_once(const Factors& factors) const override;
  int workers(int asked, int /*tasks*/) const override { return known_.workers > 0 ? known_.workers : asked; }
  std::string_view start_method() const override { return known_.start_method; }
  bool attaches_late() const override { return known_.attaches_late; }
  bool any_worker_calls_back() const override { return known_.event_loop; }
  Trace run(const PreparedCell& prepared) const override;

  const Description& known() const { return known_; }
  Command command() const { return start_(); }

 private:
  std::string name_;
  Description known_;
  Start start_;
  std::function<std::string()> ask_missing_;
  mutable std::once_flag asked_;
  mutable std::string missing_;  // since asked_
};

}  // namespace harness::drivers
