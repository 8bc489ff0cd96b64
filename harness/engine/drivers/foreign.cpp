#include "harness/engine/drivers/foreign.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/base/errors.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/drivers/catalogue.h"

namespace harness::drivers {
namespace {

using Foreign = workloads::Calibration::Foreign;

// Nothing for a backend of this language.
std::optional<Foreign> foreign(const Cell& cell, const workloads::Calibration& calibration) {
  const auto found = calibration.foreign.find(cell.backend);
  if (found != calibration.foreign.end()) return found->second;
  if (cell.backend.starts_with(kPrefix) || known_backend(cell.backend) != nullptr) return Foreign{};
  return std::nullopt;
}

bool computes(const DriverBackend& backend) {
  return std::ranges::any_of(backend.known().workloads, [](const std::string& workload) {
    return workload == "spin" || workload == "gil_spin" || workload == "mixed";
  });
}

}  // namespace

workloads::Calibration calibration_for(const Cell& cell, const workloads::Calibration& calibration) {
  workloads::Calibration own = calibration;
  const auto driver = foreign(cell, calibration);
  if (driver && driver->spin_units_per_ns > 0) own.spin_units_per_ns = driver->spin_units_per_ns;
  return own;
}

bool shares_lock(const Cell& cell, const workloads::Calibration& calibration) {
  const auto driver = foreign(cell, calibration);
  return driver && driver->one_lock;
}

bool runs_on_event_loop(const Cell& cell, const workloads::Calibration& calibration) {
  const auto found = calibration.foreign.find(cell.backend);
  return is_event_loop(cell.backend) || (found != calibration.foreign.end() && found->second.event_loop);
}

bool is_coupled(const Cell& cell) {
  return cell.backend.starts_with("cpython_process") && (cell.strategy == "main" || cell.strategy == "none");
}

std::string Record::line() const {
  std::string text = language + " " + version;
  if (!executable.empty()) text += " (" + executable + ")";
  if (one_lock) text += ", its threads compute one at a time";
  return text;
}

bool Record::is(const Record& other) const {
  return language == other.language && version == other.version && executable == other.executable && one_lock == other.one_lock;
}

Record record_of(const DriverBackend& backend, std::chrono::milliseconds within) try {
  const Description driver = describe(backend.command(), within);
  return {.language = driver.language,
          .version = driver.version,
          .executable = driver.executable,
          .one_lock = driver.one_lock,
          .event_loop = driver.event_loop};
} catch (const DriverError& error) {
  throw ConfigError(fmt::format("{}: {}", backend.name(), error.what()));
}

void measure_rate(const DriverBackend& backend, Record& record, std::chrono::milliseconds within) try {
  if (computes(backend)) record.spin_units_per_ns = spin_rate(backend.command(), within);
} catch (const DriverError& error) {
  throw ConfigError(fmt::format("{}: {}", backend.name(), error.what()));
}

void add_to(workloads::Calibration& calibration, const Records& records) {
  for (const auto& [backend, record] : records) {
    calibration.foreign[backend] = {record.spin_units_per_ns, record.one_lock, record.event_loop};
  }
}

}  // namespace harness::drivers
