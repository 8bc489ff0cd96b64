#include "harness/plan/model_case.h"

#include <chrono>
#include <stdexcept>

#include "harness/base/errors.h"
#include "harness/engine/backends/remote.h"
#include "harness/engine/drivers/foreign.h"
#include "harness/engine/prepared_cell.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/arrivals.h"
#include "harness/model/simulate.h"
#include "pools/remote_pool.h"

namespace harness {
namespace {

// All but the demands.
model::Case frame_of(const Cell& cell, const workloads::Calibration& calibration) {
  const std::optional<model::Strategy> strategy = model::find_strategy(cell.strategy);
  if (!strategy) throw ConfigError("the model does not know the strategy '" + cell.strategy + "'");
  model::Case c;
  c.strategy = *strategy;
  if (drivers::runs_on_event_loop(cell, calibration)) c.executor = model::Executor::loop;
  c.in_flight = cell.in_flight;
  c.arrivals_ns = cell.arrivals_ns;
  if (!c.arrivals_ns.empty()) set_full_queue(cell, c);
  c.workers = cell.workers;
  c.parsers = has_parsers(cell.strategy) ? cell.parsers : 1;
  c.chunksize = runs_in_processes(cell) ? cell.chunksize : 1;  // a pool of threads ignores it
  return c;
}

void check_case(const model::Case& c) {
  try {
    model::check(c);
  } catch (const std::invalid_argument& error) {
    throw ConfigError(error.what());
  } catch (const std::overflow_error& error) {
    throw ConfigError(error.what());
  }
}

}  // namespace

void set_full_queue(const Factors& factors, model::Case& c) {
  if (factors.when_full != "reject" && factors.when_full != "caller_runs") return;  // who waits outside is served no later for it
  c.queue = factors.queue;
  c.when_full = factors.when_full == "reject" ? model::WhenFull::reject : model::WhenFull::caller_runs;
}

model::Case waiting_case(const Cell& cell) {
  model::Case c = frame_of(cell, {});
  c.tasks = model::waits(cell.task_durations_ns);
  c.callbacks = model::waits(cell.callback_durations_ns);
  c.coupled = drivers::is_coupled(cell);
  check_case(c);
  return c;
}

model::Hop hop_for(const model::Case& c, const model::Hop& costs) {
  const bool with_callback = c.strategy == model::Strategy::worker || c.strategy == model::Strategy::fused;
  double sum = 0;  // ns
  for (const model::Demand& task : c.tasks) sum += static_cast<double>(task.service_ns());
  if (with_callback) {
    for (const model::Demand& callback : c.callbacks) sum += static_cast<double>(callback.service_ns());
  }
  const double jobs = static_cast<double>(model::tasks_per_job(c)) / static_cast<double>(c.tasks.size());
  model::Hop hop = costs;
  hop.window =
      std::int64_t{c.workers} * pools::permitted_per_worker(std::chrono::nanoseconds(static_cast<std::int64_t>(sum * jobs)),
                                                            std::chrono::nanoseconds(2 * hop.latency_ns));
  return hop;
}

ModelledCell modelled_case(const Cell& cell, const workloads::Calibration& common) {
  const workloads::Calibration calibration = drivers::calibration_for(cell, common);
  ModelledCell modelled;
  model::Case& c = modelled.model_case = frame_of(cell, common);
  c.cores = cell.cores * machines_of(cell.backend);  // hosts are taken to have as many
  const bool processes = runs_in_processes(cell);
  const bool lock = drivers::shares_lock(cell, common);
  const PreparedCell prepared = prepare(cell, common);

  const auto add = [&](const workloads::Work& work, std::int64_t asked_ns, bool own_process, std::vector<model::Demand>& to) {
    const workloads::Workload& workload = *workloads::catalogue()[work.kind];
    const workloads::Demand demand = workload.demand(work, calibration);
    const bool held = c.executor == model::Executor::loop && demand.blocking;
    if (held) c.cores = 0;  // it holds a loop thread as if it computed, and no core
    to.push_back({.wait_ns = held ? 0 : demand.wait_ns,
                  .compute_ns = demand.compute_ns + (held ? demand.wait_ns : 0),
                  .locked = (demand.process_wide_lock || lock) && !own_process});
    // A disk has no service time that could be known beforehand, and no real work takes none.
    const workloads::Needs needs = workload.needs();
    const bool outside = needs.scratch_directory || needs.echo_server || needs.http_server;
    return !needs.scratch_directory && !needs.subject && (demand.wait_ns + demand.compute_ns > 0 || (asked_ns == 0 && !outside));
  };
  for (std::size_t i = 0; i < prepared.tasks.size(); ++i) {
    modelled.task_known &= add(prepared.tasks[i], cell.task_durations_ns[i], processes, c.tasks);
  }
  for (std::size_t i = 0; i < prepared.callbacks.size(); ++i) {
    modelled.callback_known &=
        add(prepared.callbacks[i], cell.callback_durations_ns[i], processes || has_parsers(cell.strategy), c.callbacks);
  }
  // Coupling is modelled without shared cores: where something computes, the cores matter more.
  c.coupled = drivers::is_coupled(cell) && !model::shares_cores(c);
  check_case(c);
  return modelled;
}

model::Case requested_case(const Cell& cell) {
  // One unit of computation per nanosecond: make() and demand() then agree on every duration asked for.
  const workloads::Calibration nominal{1, 1, 1, 1, 1, 1};
  return modelled_case(cell, nominal).model_case;
}

}  // namespace harness
