#include "harness/recommend/trials.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/core/sojourns.h"
#include "harness/plan/cell_builder.h"
#include "harness/recommend/records.h"
#include "harness/sweep/hop_costs.h"

namespace harness::recommend {

using std::chrono::nanoseconds;

Trials::Trials(const Question& question, CellRunner& runner, const Progress& progress, Records* records)
    : question_(question), runner_(runner), progress_(progress), records_(records) {
  if (question.quiet) gated_.emplace(runner, question.quiet->rule, question.quiet->seams);
}

double Trials::used() const {
  const auto spent = Clock::now() - start_ - gate_counts().waited;
  return std::chrono::duration<double>(spent) / std::chrono::duration<double>(question_.budget);
}

nanoseconds Trials::left(double share) const {
  return nanoseconds(static_cast<std::int64_t>((share - used()) * static_cast<double>(question_.budget.count())));
}

Factors Trials::factors_of(const Choice& choice, int tasks) const {
  Factors factors;
  factors.backend = backend_of(question_, choice);
  factors.workers = choice.workers;
  if (choice.pool == Pool::loop) {
    factors.workers = 1;
    factors.in_flight = choice.workers;
  }
  factors.workers_spec = std::to_string(factors.workers);
  factors.cores = question_.cores;
  factors.workload = question_.workload;
  factors.strategy = std::string(model::name(choice.strategy));
  factors.parsers = choice.parsers;
  factors.tasks = tasks;
  factors.distribution = "equal";
  factors.task_ns = question_.task_ns;
  factors.callback_ns = question_.callback_ns;
  factors.callback_workload = question_.callback_workload;
  factors.payload_bytes = question_.payload_bytes;
  factors.seed = question_.seed;
  return factors;
}

Cell Trials::cell_of(const Choice& choice, int tasks) const { return CellBuilder(canonical(factors_of(choice, tasks))).build(); }

Cell Trials::cell_of(const Choice& choice, const Clients& clients) const {
  Factors factors = factors_of(choice, clients.number);
  factors.arrivals = clients.arrivals;
  factors.seed = clients.seed;
  if (factors.task_ns == 0) factors.task_ns = clients.task_ns;  // by it a generator is judged late (core/sojourns.h)
  factors.queue = clients.queue;
  factors.when_full = clients.when_full;
  return CellBuilder(canonical(std::move(factors))).build();
}

RepetitionResult Trials::repetition(const Cell& cell) {
  // Nobody waits longer than the whole budget for one repetition: then it is the wrong tool.
  const nanoseconds deadline = std::max<nanoseconds>(question_.budget, kLeastDeadline);
  if (gated_ && noise_.empty()) {
    RepetitionResult result = gated_->run(cell, deadline);
    if (result.interrupted || !result.sample.error.starts_with(kGated)) return result;
    noise_ = result.sample.error;
    if (question_.quiet->strict) {
      throw EnvironmentError("too noisy to recommend anything: " + noise_ + ", for " +
                             human_duration(question_.quiet->rule.patience) + " in all");
    }
  }
  return runner_.run(cell, deadline);
}

Trace Trials::attempt(const Cell& cell, const Choice& choice, Sample& sample) {
  const Clock::time_point started = Clock::now();
  const nanoseconds waited = gate_counts().waited;
  RepetitionResult result = repetition(cell);
  if (result.interrupted) throw Interrupted{};
  const nanoseconds took = Clock::now() - started - (gate_counts().waited - waited);
  if (result.trace) {
    beside_ += std::max(nanoseconds(0), took - nanoseconds(makespan_ns(*result.trace)));
    ++run_count_;
  }
  const std::string tasks = counted(cell.tasks, "task");
  if (result.sample.status == "timeout") {
    throw ConfigError(tasks + " of '" + question_.title + "' took longer than the budget of " +
                      format_duration(question_.budget) + " allows; give more with --budget, or shorter work");
  }
  if (!result.trace) {
    throw ConfigError(question_.title + ": " + tasks + " on a " + (choice.hosts > 0 ? cell.backend : backend_name(choice.pool)) +
                      " pool of " + std::to_string(choice.workers) + ": " + result.sample.error);
  }
  sample = std::move(result.sample);
  return std::move(*result.trace);
}

Trace Trials::run(const Choice& choice, int tasks) {
  const Cell cell = cell_of(choice, tasks);
  Sample sample;
  Trace trace = attempt(cell, choice, sample);
  // Kept as a warm-up: it belongs to no round.
  if (records_ != nullptr) records_->keep(cell, std::move(sample), run_[cell.cell_id]++, true);
  return trace;
}

model::Hop Trials::hop() {
  const std::string& backend = question_.over_hosts.front();
  tell("measuring the way to the hosts");
  const std::optional<HopCosts> costs = measure_hop(runner_, backend, question_.cores);
  if (!costs) {
    run({Pool::remote, 1, model::Strategy::none, 0, 1}, 1);  // says what is wrong
    throw ConfigError("the way to the hosts could not be measured: " + backend);
  }
  if (records_ != nullptr) records_->keep(backend, *costs);
  const double per_byte = costs->hop.bytes_per_ns > 0 ? 1 / costs->hop.bytes_per_ns : 0;
  return {.latency_ns = costs->hop.latency_ns,
          .request_ns = costs->hop.task_ns,
          .answer_ns = std::llround(per_byte * static_cast<double>(question_.payload_bytes))};
}

std::int64_t Trials::time(const Choice& choice, int tasks) {
  const Cell cell = cell_of(choice, tasks);
  const int rep = timed_[cell.cell_id]++;
  if (records_ != nullptr) {
    if (const auto known = records_->row(cell, rep)) return value_of(*known);
  }
  Sample sample;
  const Trace trace = attempt(cell, choice, sample);
  // Of the trace, which a runner that computes leaves, too.
  sample.makespan_ns = makespan_ns(trace);
  sample.pool_start_ns = trace.pool_start_ns;
  sample.pool_stop_ns = trace.pool_stop_ns;
  const std::int64_t value = value_of(sample);
  if (records_ != nullptr) records_->keep(cell, std::move(sample), rep, false);
  return value;
}

bool Trials::is_known(const Choice& choice, int tasks) const {
  if (records_ == nullptr) return false;
  const Cell cell = cell_of(choice, tasks);
  return records_->row(cell, next_rep(cell)) != nullptr;
}

int Trials::next_rep(const Cell& cell) const {
  const auto timed = timed_.find(cell.cell_id);
  return timed == timed_.end() ? 0 : timed->second;
}

bool Trials::is_known(const Choice& choice, const Clients& clients) const {
  if (records_ == nullptr) return false;
  const Cell cell = cell_of(choice, clients);
  return records_->sojourns(cell, next_rep(cell)) != nullptr;
}

Visit Trials::visit(const Choice& choice, const Clients& clients) {
  const Cell cell = cell_of(choice, clients);
  const int rep = next_rep(cell);
  if (records_ != nullptr) {
    const std::vector<std::int64_t>* const known = records_->sojourns(cell, rep);
    if (known != nullptr) {
      ++timed_[cell.cell_id];
      return {.sojourns_ns = *known, .release_lag_p99_ns = records_->row(cell, rep)->release_lag_p99_ns};
    }
  }
  RepetitionResult result = repetition(cell);
  if (result.interrupted) throw Interrupted{};
  if (result.sample.status == "timeout") return {.too_long = true};
  if (!result.trace) {
    if (result.sample.error.starts_with(kReleasedLate)) return {.invalid = result.sample.error};
    throw ConfigError(fmt::format("{}: {} clients at {} on a {} pool of {}: {}", question_.title, cell.tasks, cell.arrivals,
                                  backend_name(choice.pool), choice.workers, result.sample.error));
  }
  ++timed_[cell.cell_id];
  const Visit seen{.sojourns_ns = sojourns_ns(*result.trace), .release_lag_p99_ns = result.sample.release_lag_p99_ns};
  if (records_ != nullptr) records_->keep(cell, std::move(result.sample), rep, false, &*result.trace);
  return seen;
}

std::int64_t Trials::value_of(const Sample& sample) const {
  return sample.makespan_ns + (question_.python ? sample.pool_start_ns + sample.pool_stop_ns : 0);
}

}  // namespace harness::recommend
