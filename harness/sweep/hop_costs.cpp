#include "harness/sweep/hop_costs.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "harness/engine/backends/remote.h"
#include "harness/model/statistics.h"
#include "harness/plan/cell_builder.h"

namespace harness {
namespace {

constexpr int kAlone = 200;
constexpr int kAtOnce = 4000;
constexpr int kLarge = 12;
constexpr std::int64_t kLargeBytes = std::int64_t{1} << 20;
constexpr std::chrono::seconds kHopPatience{60};  // agents are started for each

std::optional<Trace> traced(CellRunner& runner, const Factors& common, std::string_view strategy, std::string_view workload,
                            int tasks, std::int64_t payload_bytes) {
  Factors factors = common;
  factors.strategy = strategy;
  factors.workload = workload;
  factors.payload_bytes = payload_bytes;
  const std::vector<std::int64_t> nothing(static_cast<std::size_t>(tasks), 0);
  const Cell cell = CellBuilder(std::move(factors)).durations(nothing, nothing).seeded_by(1).build();
  const RepetitionResult result = runner.run(cell, kHopPatience);
  if (result.interrupted || result.sample.status != "ok") return std::nullopt;
  return result.trace;
}

// Of tasks that are submitted one at a time: from the submit to where its callback has the result, but for the task itself.
std::int64_t round_trip_ns(const Trace& trace) {
  std::vector<std::int64_t> trips;
  for (const TaskTrace& task : trace.tasks) {
    trips.push_back(task.callback_started_ns - task.submitted_ns - (task.finished_ns - task.started_ns));
  }
  return std::max<std::int64_t>(0, model::median(std::move(trips)));
}

}  // namespace

std::optional<HopCosts> measure_hop(CellRunner& runner, const std::string& backend, int cores) {
  Factors factors;
  factors.backend = backend;
  factors.workers = machines_of(backend);
  factors.workers_spec = std::to_string(factors.workers);
  factors.cores = cores;
  const std::optional<Trace> alone = traced(runner, factors, "sync", "sleep", kAlone, 0);
  const std::optional<Trace> at_once = alone ? traced(runner, factors, "none", "sleep", kAtOnce, 0) : std::nullopt;
  const std::optional<Trace> large = at_once ? traced(runner, factors, "sync", "payload", kLarge, kLargeBytes) : std::nullopt;
  if (!large) return std::nullopt;
  HopCosts costs;
  costs.clocks = alone->clocks;
  const std::int64_t round_trip = round_trip_ns(*alone);
  costs.hop.latency_ns = round_trip / 2;
  costs.hop.task_ns = std::max<std::int64_t>(0, makespan_ns(*at_once) - costs.hop.latency_ns) / kAtOnce;
  const std::int64_t carried = std::max<std::int64_t>(1, round_trip_ns(*large) - round_trip);
  costs.hop.bytes_per_ns = static_cast<double>(kLargeBytes) / static_cast<double>(carried);
  return costs;
}

}  // namespace harness
