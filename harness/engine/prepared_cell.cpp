#include "harness/engine/prepared_cell.h"

#include <cassert>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>

#include "harness/base/errors.h"
#include "harness/base/random.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/strategies/strategy.h"

namespace harness {
namespace {

const workloads::Workload& workload_named(std::string_view name) {
  if (const workloads::Workload* found = workloads::find_workload(name)) return *found;
  std::string known;
  for (const workloads::Workload* workload : workloads::catalogue()) {
    known += (known.empty() ? "" : ", ") + std::string(workload->name());
  }
  throw ConfigError("unknown workload '" + std::string(name) + "'; known: " + known);
}

// A request that a workload refuses (a payload it cannot have) is the configuration's fault.
workloads::Work requested_work(const workloads::Workload& workload, const workloads::Request& request,
                               const workloads::Calibration& calibration) {
  try {
    return workloads::make_work(workload, request, calibration);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace

std::uint64_t task_seed(std::uint64_t cell_seed, int index) {
  const std::uint64_t value = SplitMix64(cell_seed).next();  // spreads the seeds of cells over the whole range
  return (value & ~std::uint64_t{1}) + static_cast<std::uint64_t>(index);
}

PreparedCell prepare(const Cell& cell, const workloads::Calibration& common) {
  const workloads::Calibration calibration = drivers::calibration_for(cell, common);
  const auto count = static_cast<std::size_t>(cell.tasks);
  assert(cell.task_durations_ns.size() == count && cell.callback_durations_ns.size() == count);
  const workloads::Workload& workload = workload_named(cell.workload);

  PreparedCell prepared{.cell = cell, .tasks = {}, .callbacks = {}, .context = {}, .driver = drivers::origin_of(cell.backend)};
  prepared.tasks.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    prepared.tasks.push_back(requested_work(workload,
                                            {.duration = std::chrono::nanoseconds(cell.task_durations_ns[index]),
                                             .payload_bytes = cell.payload_bytes,
                                             .seed = task_seed(cell.seed, static_cast<int>(index)),
                                             .index = static_cast<std::uint32_t>(index)},
                                            calibration));
  }
  if (!has_callbacks(cell.strategy)) return prepared;

  prepared.callbacks.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    const workloads::Work& task = prepared.tasks[index];
    const workloads::Workload& callback = cell.callback_workload.empty() ? workload_named(workload.callback(task))
                                                                         : workload_named(cell.callback_workload).as_callback();
    prepared.callbacks.push_back(requested_work(callback,
                                                {.duration = std::chrono::nanoseconds(cell.callback_durations_ns[index]),
                                                 .payload_bytes = 0,
                                                 .seed = task.seed,
                                                 .index = static_cast<std::uint32_t>(index)},
                                                calibration));
  }
  return prepared;
}

workloads::Needs needs_of(const PreparedCell& prepared) {
  workloads::Needs needs;
  for (const auto* works : {&prepared.tasks, &prepared.callbacks}) {
    for (const workloads::Work& work : *works) {
      const workloads::Needs more = workloads::catalogue()[work.kind]->needs();
      needs.scratch_directory |= more.scratch_directory;
      needs.echo_server |= more.echo_server;
      needs.http_server |= more.http_server;
      needs.subject |= more.subject;
    }
  }
  return needs;
}

}  // namespace harness
