#include "harness/engine/drivers/driver_backend.h"

#include <algorithm>

#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/machine/resources.h"

namespace harness::drivers {
namespace {

// Whether tasks or callbacks run in the process whose one thread takes clients in, with which they may share a lock (a GIL). What that makes it late
// by is what a client waits for there, as for a full queue, and says nothing of how the repetition went.
bool computes_beside_who_submits(const Cell& cell) {
  return !runs_in_processes(cell) || (has_callbacks(cell.strategy) && cell.strategy != "fused" && !has_parsers(cell.strategy));
}

}  // namespace

std::string_view DriverBackend::missing() const {
  std::call_once(asked_, [this] {
    if (ask_missing_) missing_ = ask_missing_();
  });
  return missing_;
}

std::string DriverBackend::skip_reason(std::string_view strategy) const {
  require_strategy(strategy);
  if (!missing().empty()) return name_ + ": " + std::string(missing());
  if (std::ranges::find(known_.strategies, strategy) != known_.strategies.end()) return {};
  if (const auto reason = known_.skips.find(strategy); reason != known_.skips.end()) return name_ + ": " + reason->second;
  return name_ + ": the driver has no '" + std::string(strategy) + "'; it has " + join(known_.strategies);
}

std::string DriverBackend::workload_skip_reason(std::string_view workload) const {
  if (is_user_code(workload)) return known_.user_code ? std::string() : name_ + ": the driver runs no functions of the user's";
  const std::string_view name = protocol_name(workload);
  if (!name.empty() && std::ranges::find(known_.workloads, name) != known_.workloads.end()) return {};
  return name_ + ": the driver has no '" + std::string(workload) + "'; it has " + join(known_.workloads);
}

std::string DriverBackend::arrivals_skip_reason(const Factors& factors) const {
  if (!known_.arrivals) return "the driver is given all tasks at once";
  return factors.queue > 0 ? "its queue has no bound" : "";
}

int DriverBackend::tasks_at_once(const Factors& factors) const {
  const int most = known_.event_loop ? factors.in_flight > 0 ? factors.in_flight : factors.tasks : factors.workers;
  return std::min(most, factors.tasks);
}

Trace DriverBackend::run(const PreparedCell& prepared) const {
  const Command command = is_user_code(prepared.cell.workload) ? for_user_code(start_()) : start_();
  const ResourceMeter meter;  // for what the driver cannot know: the time for which a CPU quota stopped it
  Trace trace = run_once(command, prepared);
  trace.resources.cgroup_throttled_ns = meter.finish().cgroup_throttled_ns;
  if (arrives(prepared.cell) && computes_beside_who_submits(prepared.cell)) {
    for (TaskTrace& task : trace.tasks) task.due_ns = std::max(task.arrived_ns, task.submitted_ns);
  }
  return trace;
}

}  // namespace harness::drivers
