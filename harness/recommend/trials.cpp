#include "harness/recommend/trials.h"

#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/plan/cell_builder.h"
#include "harness/sweep/hop_costs.h"

namespace harness::recommend {

using std::chrono::nanoseconds;

Trials::Trials(const Question& question, CellRunner& runner, const Progress& progress)
    : question_(question), runner_(runner), progress_(progress) {}

double Trials::used() const {
  return std::chrono::duration<double>(Clock::now() - start_) / std::chrono::duration<double>(question_.budget);
}

nanoseconds Trials::left(double share) const {
  return nanoseconds(static_cast<std::int64_t>((share - used()) * static_cast<double>(question_.budget.count())));
}

std::string Trials::backend_of(const Choice& choice) const {
  return choice.hosts == 0 ? backend_name(choice.pool) : question_.over_hosts[static_cast<std::size_t>(choice.hosts) - 1];
}

workloads::Calibration::Hop Trials::hop() {
  tell("measuring the way to the hosts");
  const std::optional<HopCosts> costs = measure_hop(runner_, question_.over_hosts.front(), question_.cores);
  if (costs) return costs->hop;
  run({Pool::remote, 1, model::Strategy::none, 0, 1}, 1);  // says what is wrong
  throw ConfigError("the way to the hosts could not be measured: " + question_.over_hosts.front());
}

Cell Trials::cell_of(const Choice& choice, int tasks) const {
  Factors factors;
  factors.backend = backend_of(choice);
  factors.workers = choice.workers;
  factors.workers_spec = std::to_string(choice.workers);
  factors.cores = question_.cores;
  factors.workload = question_.workload;
  factors.strategy = std::string(model::name(choice.strategy));
  factors.parsers = choice.parsers;
  factors.tasks = tasks;
  factors.distribution = "equal";
  factors.task_ns = question_.task_ns;
  factors.callback_ns = question_.callback_ns;
  factors.payload_bytes = question_.payload_bytes;
  factors.seed = question_.seed;
  return CellBuilder(canonical(std::move(factors))).build();
}

Trace Trials::run(const Choice& choice, int tasks) {
  // Nobody waits longer than the whole budget for one repetition: then it is the wrong tool.
  RepetitionResult result = runner_.run(cell_of(choice, tasks), question_.budget);
  if (result.interrupted) throw Interrupted{};
  if (result.sample.status == "timeout") {
    throw ConfigError(std::to_string(tasks) + (tasks == 1 ? " task" : " tasks") + " of '" + question_.title +
                      "' took longer than the budget of " + format_duration(question_.budget) +
                      " allows; give more with --budget, or shorter work");
  }
  if (!result.trace) {
    throw ConfigError(question_.title + ": " + (tasks == 1 ? "1 task" : std::to_string(tasks) + " tasks") + " on a " +
                      backend_of(choice) + " pool of " + std::to_string(choice.workers) + ": " + result.sample.error);
  }
  return std::move(*result.trace);
}

}  // namespace harness::recommend
