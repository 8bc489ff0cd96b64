#include "harness/analysis/predictions.h"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <utility>

#include "harness/engine/backends/experiments.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"

namespace harness {
namespace {

struct Service {
  std::int64_t task_ns = 0;
  std::optional<std::int64_t> callback_ns;  // nothing where there are no callbacks
};

// Mean service times of the scenario's cells with one worker, the median over their repetitions: one task at a time, so
// nothing was slowed down by another task. A callback of another process may have run beside it.
std::optional<Service> measured_alone(const Analysis& analysis, const std::string& workload, std::int64_t tasks,
                                      std::int64_t task_ns, std::int64_t payload_bytes, std::uint64_t seed) {
  std::vector<std::int64_t> task_times;
  std::vector<std::int64_t> callback_times;
  for (const CellSummary& cell : analysis.cells) {
    const Factors& f = cell.factors;
    if (f.workers != 1 || f.workload != workload || f.tasks != tasks || f.task_ns != task_ns ||
        f.payload_bytes != payload_bytes || f.seed != seed) {
      continue;
    }
    for (const Row* const row : cell.ok) {
      task_times.push_back(row->measures.sum_task_ns / tasks);
      if (has_callbacks(f.strategy)) callback_times.push_back(row->measures.callback_sum_ns / tasks);
    }
  }
  if (task_times.empty()) return std::nullopt;
  Service service{model::median(std::move(task_times)), std::nullopt};
  if (!callback_times.empty()) service.callback_ns = model::median(std::move(callback_times));
  return service;
}

CellPrediction without(std::string why) {
  CellPrediction prediction;
  prediction.why_not = std::move(why);
  return prediction;
}

// The case on a machine that ends every wait so much later. (Service times that were measured have it in them.)
model::Case with_late_waits(model::Case c, std::int64_t lateness_ns) {
  for (std::vector<model::Demand>* const demands : {&c.tasks, &c.callbacks}) {
    for (model::Demand& demand : *demands) {
      if (demand.wait_ns > 0) demand.wait_ns += lateness_ns;
    }
  }
  return c;
}

// Workers on other hosts, of which it is known what the way there costs.
model::Hop hop_to(const model::Case& c, const Cell& cell, const workloads::Calibration::Hop& costs) {
  const double carrying = costs.bytes_per_ns > 0 ? static_cast<double>(cell.payload_bytes) / costs.bytes_per_ns : 0;
  constexpr double kLongest = 1e18;  // a file that somebody has written may have any number
  return hop_for(c, {.latency_ns = costs.latency_ns,
                     .request_ns = costs.task_ns,
                     .answer_ns = static_cast<std::int64_t>(std::clamp(carrying, 0.0, kLongest))});
}

// On an event loop of which it is known what waking and taking up cost: waits of tasks end with these.
model::Case on_this_machine(model::Case c, const Cell& cell, const workloads::Calibration& calibration) {
  if (const auto hop = calibration.hops.find(cell.backend); hop != calibration.hops.end()) c.hop = hop_to(c, cell, hop->second);
  const auto costs = calibration.loops.find({cell.backend, cell.workers});
  if (c.executor != model::Executor::loop || costs == calibration.loops.end()) {
    return with_late_waits(std::move(c), calibration.sleep_lateness_ns);
  }
  c.overheads.wake_ns = costs->second.wake_ns;
  c.overheads.dispatch_ns = costs->second.dispatch_ns;
  return c;
}

std::optional<model::Prediction> expected_times(const model::Case& c, const Cell& cell,
                                                const std::optional<workloads::Calibration>& calibration) {
  if (!calibration || calibration->sleep_lateness_ns <= 0) return std::nullopt;
  const model::Case here = on_this_machine(c, cell, *calibration);
  try {
    model::check(here);
  } catch (const std::overflow_error&) {  // waits as long as the clock can count
    return std::nullopt;
  } catch (const std::invalid_argument&) {  // costs below 0, in a file that somebody has written
    return std::nullopt;
  }
  return model::simulate(here);
}

// What it says of clients, of whom a batch has none.
void add_clients(const model::Case& c, std::int64_t deadline_ns, const model::Prediction& prediction,
                 std::optional<model::SojournSummary>& summary, std::optional<ClientCounts>& counts) {
  if (c.arrivals_ns.empty()) return;
  std::vector<std::int64_t> sojourns = model::sojourns_ns(c, prediction);
  counts = counts_of_clients(sojourns, deadline_ns);
  sojourns.erase(sojourns.begin(), sojourns.begin() + static_cast<std::ptrdiff_t>(first_counted(sojourns.size())));
  std::erase(sojourns, model::kNever);
  if (!sojourns.empty()) summary = model::summarise_sojourns(std::move(sojourns));
}

CellPrediction predict_cell(const Analysis& analysis, const CellSummary& summary) {
  if (!summary.cell) return without("the durations of its tasks are not known: suite.toml does not have the cell");
  const Cell& cell = *summary.cell;
  if (workloads::needs_subject(cell.workload))
    return without("what work of one's own demands is not known beforehand: poolbench recommend measures it, and predicts");
  if (attaches_late(cell.backend)) return without("its callbacks are attached when all tasks have ended");
  ModelledCell modelled;
  try {
    if (cell.workload == "sleep") {
      modelled.model_case = waiting_case(cell);
    } else if (analysis.calibration) {
      modelled = modelled_case(cell, *analysis.calibration);
    } else {
      return without("the calibration of the run is not known: its context file is missing");
    }
  } catch (const std::exception& error) {  // whatever it is, the run's other cells still have their predictions
    return without(error.what());
  }
  CellPrediction prediction;
  prediction.basis = "requested";
  if (!modelled.task_known || !modelled.callback_known) {
    const std::optional<Service> alone =
        measured_alone(analysis, cell.workload, cell.tasks, cell.task_ns, cell.payload_bytes, cell.seed);
    if (!alone || (!modelled.callback_known && !alone->callback_ns)) {
      return without("the workload has no defined service time, and no cell with 1 worker measured one");
    }
    if (!modelled.task_known) {
      for (model::Demand& task : modelled.model_case.tasks) task = {.wait_ns = alone->task_ns, .compute_ns = 0, .locked = false};
    }
    if (!modelled.callback_known) {
      for (model::Demand& callback : modelled.model_case.callbacks)
        callback = {.wait_ns = *alone->callback_ns, .compute_ns = 0, .locked = false};
    }
    prediction.basis = "measured at 1 worker";
  }
  prediction.form = model::closed_form(modelled.model_case);
  const model::Prediction predicted = model::simulate(modelled.model_case);
  prediction.predicted_ns = predicted.makespan_ns;
  add_clients(modelled.model_case, cell.deadline_ns, predicted, prediction.predicted_sojourn, prediction.predicted_counts);
  if (prediction.basis != "requested") return prediction;
  if (const std::optional<model::Prediction> expected = expected_times(modelled.model_case, cell, analysis.calibration)) {
    prediction.expected_ns = expected->makespan_ns;
    add_clients(modelled.model_case, cell.deadline_ns, *expected, prediction.expected_sojourn, prediction.expected_counts);
  }
  return prediction;
}

}  // namespace

std::vector<CellPrediction> predict_cells(const Analysis& analysis) {
  std::vector<CellPrediction> predictions;
  predictions.reserve(analysis.cells.size());
  for (const CellSummary& summary : analysis.cells) predictions.push_back(predict_cell(analysis, summary));
  return predictions;
}

}  // namespace harness
