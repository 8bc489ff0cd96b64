#include "harness/plan/scenario.h"

#include <fmt/core.h>

#include "harness/engine/strategies/strategy.h"

namespace harness {
namespace {

std::string key_of(const Factors& f) {
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}|{}", f.workload, f.distribution, f.tasks, f.task_ns, f.payload_bytes, f.seed,
                                !has_callbacks(f.strategy) ? "none" : std::to_string(f.callback_ns));
  if (!f.inputs.empty()) key += fmt::format("|{}|{}", f.inputs, has_callbacks(f.strategy) ? f.callback_workload : "");
  if (arrives(f)) key += fmt::format("|{}|{}|{}", f.arrivals, f.queue, f.when_full);
  if (f.deadline_ns > 0) key += fmt::format("|within {}", f.deadline_ns);
  return key;
}

}  // namespace

std::string scenario_key(const Cell& cell) {
  std::string key = key_of(cell);
  if (cell.distribution != "explicit") return key;
  for (const std::int64_t ns : cell.task_durations_ns) key += fmt::format("|{}", ns);
  if (has_callbacks(cell.strategy)) {
    for (const std::int64_t ns : cell.callback_durations_ns) key += fmt::format("|c{}", ns);
  }
  return key;
}

std::string scenario_key(const Factors& factors, const std::string& cell_id) {
  return factors.distribution == "explicit" ? key_of(factors) + "|" + cell_id : key_of(factors);
}

}  // namespace harness
