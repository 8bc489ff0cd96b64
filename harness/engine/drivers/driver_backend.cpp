#include "harness/engine/drivers/driver_backend.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>

#include "harness/base/errors.h"
#include "harness/base/text.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/machine/resources.h"
#include "workloads/clock.h"

namespace harness::drivers {

std::string_view DriverBackend::missing() const {
  std::call_once(asked_, [this] {
    if (ask_missing_) missing_ = ask_missing_();
  });
  return missing_;
}

std::string DriverBackend::skip_reason(std::string_view strategy) const {
  const auto all = strategies();
  if (std::ranges::find(all, strategy, &StrategyInfo::name) == all.end()) {
    throw ConfigError("unknown strategy '" + std::string(strategy) + "'");
  }
  if (!missing().empty()) return name_ + ": " + std::string(missing());
  if (std::ranges::find(known_.strategies, strategy) != known_.strategies.end()) return {};
  if (const auto reason = known_.skips.find(strategy); reason != known_.skips.end()) return name_ + ": " + reason->second;
  return name_ + ": the driver has no '" + std::string(strategy) + "'; it has " + join(known_.strategies);
}

std::string DriverBackend::workload_skip_reason(std::string_view workload) const {
  const std::string_view name = protocol_name(workload);
  if (!name.empty() && std::ranges::find(known_.workloads, name) != known_.workloads.end()) return {};
  return name_ + ": the driver has no '" + std::string(workload) + "'; it has " + join(known_.workloads);
}

int DriverBackend::tasks_at_once(const Factors& factors) const {
  const int most = known_.event_loop ? factors.in_flight > 0 ? factors.in_flight : factors.tasks : factors.workers;
  return std::min(most, factors.tasks);
}

namespace {

// What happened, happened between the question and the answer. Throws DriverError.
void expect_within(const Trace& trace, std::int64_t asked_ns, std::int64_t answered_ns) {
  for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
    const TaskTrace& task = trace.tasks[i];
    for (const std::int64_t stamp :
         {task.submitted_ns, task.started_ns, task.finished_ns, task.callback_started_ns, task.callback_finished_ns}) {
      if (stamp == -1 || (stamp >= asked_ns && stamp <= answered_ns)) continue;
      throw DriverError(
          fmt::format("the driver's answer has the stamp {} in task {}, which ran between {} and {} (CLOCK_MONOTONIC, ns)", stamp,
                      i, asked_ns, answered_ns));
    }
  }
}

}  // namespace

Trace DriverBackend::run(const PreparedCell& prepared) const {
  const Command command = start_();
  const ResourceMeter meter;  // for what the driver cannot know: the time for which a CPU quota stopped it
  const std::int64_t asked_ns = workloads::monotonic_ns();
  Trace trace = trace_from(ask(command, run_question(prepared), most_bytes_of_trace(prepared.tasks.size()), std::nullopt));
  expect_within(trace, asked_ns, workloads::monotonic_ns());
  trace.resources.cgroup_throttled_ns = meter.finish().cgroup_throttled_ns;
  return trace;
}

}  // namespace harness::drivers
