#include "harness/plan/cell_builder.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

#include "harness/base/random.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/backends/experiments.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/distribution.h"
#include "harness/plan/model_case.h"
#include "workloads/work.h"

namespace harness {
namespace {

// Whether somebody has said what the arrivals were written as.
bool arrives_spec(const Factors& factors) { return factors.arrivals_spec != Factors{}.arrivals_spec; }

std::string_view own_start_method(std::string_view backend) {
  const Backend* const experiment = find_experiment(backend);
  return (experiment != nullptr ? *experiment : find_backend(backend)).start_method();
}

}  // namespace

std::uint64_t cell_seed(std::uint64_t suite_seed, const Factors& factors) {
  std::uint64_t seed = suite_seed;
  const auto mix = [&seed](std::uint64_t value) { seed = SplitMix64(seed ^ value).next(); };
  const auto mix_text = [&mix](const std::string& text) {
    mix(text.size());
    for (const char c : text) mix(static_cast<unsigned char>(c));
  };
  mix_text(factors.workload);
  mix_text(factors.distribution);
  mix(static_cast<std::uint64_t>(factors.tasks));
  mix(static_cast<std::uint64_t>(factors.task_ns));
  mix(static_cast<std::uint64_t>(factors.payload_bytes));
  return seed;
}

Factors canonical(Factors factors) {
  const Backend& backend = find_backend(factors.backend);
  const int workers = backend.workers(factors.workers, factors.tasks);
  if (workers != factors.workers) {
    factors.workers = workers;
    factors.workers_spec = workers == 1 ? "1" : "tasks";
  }
  factors.parsers = has_parsers(factors.strategy) ? std::max(1, factors.parsers) : 0;
  const bool processes = backend.start_method() != "none";
  if (!(has_chunks(factors.strategy) && processes)) factors.chunksize = 1;
  if (!is_event_loop(factors.backend) || factors.in_flight >= factors.tasks) factors.in_flight = 0;
  if (workloads::needs_subject(factors.workload)) {  // the user's own, which takes what it takes
    factors.task_ns = factors.payload_bytes = 0;
    factors.distribution = "equal";
  } else {
    factors.inputs = factors.callback_workload = "";
  }
  if (!has_callbacks(factors.strategy)) factors.callback_workload = "";
  if (!has_callbacks(factors.strategy) || !factors.callback_workload.empty()) factors.callback_ns = 0;
  if (!arrives(factors)) {
    factors.queue = 0;
    factors.deadline_ns = 0;
  }
  if (factors.queue == 0) {
    factors.when_full = Factors{}.when_full;
  } else if (factors.when_full == Factors{}.when_full) {
    factors.when_full = "block";
  }
  return factors;
}

CellBuilder::CellBuilder(Factors factors) : cell_{std::move(factors), {}, {}, {}, {}} {
  if (cell_.start_method.empty()) cell_.start_method = own_start_method(cell_.backend);
}

CellBuilder& CellBuilder::durations(std::vector<std::int64_t> tasks_ns, std::vector<std::int64_t> callbacks_ns) {
  assert(!tasks_ns.empty() && callbacks_ns.size() == tasks_ns.size());
  if (!has_callbacks(cell_.strategy)) callbacks_ns.assign(tasks_ns.size(), 0);
  cell_.tasks = static_cast<int>(tasks_ns.size());
  cell_.distribution = "explicit";
  cell_.task_ns = *std::max_element(tasks_ns.begin(), tasks_ns.end());
  cell_.callback_ns = *std::max_element(callbacks_ns.begin(), callbacks_ns.end());
  return recorded_durations(std::move(tasks_ns), std::move(callbacks_ns));
}

CellBuilder& CellBuilder::recorded_durations(std::vector<std::int64_t> tasks_ns, std::vector<std::int64_t> callbacks_ns) {
  cell_.task_durations_ns = std::move(tasks_ns);
  cell_.callback_durations_ns = std::move(callbacks_ns);
  return *this;
}

CellBuilder& CellBuilder::recorded_arrivals(std::vector<std::int64_t> arrivals_ns) {
  cell_.arrivals_ns = std::move(arrivals_ns);
  return *this;
}

CellBuilder& CellBuilder::seeded_by(std::uint64_t suite_seed) {
  suite_seed_ = suite_seed;
  return *this;
}

void CellBuilder::decide_arrivals() {
  if (!arrives_spec(cell_)) cell_.arrivals_spec = cell_.arrivals;
  const double capacity = needs_capacity(cell_.arrivals) ? capacity_meant(cell_.arrivals, requested_case(cell_)) : 0;
  cell_.arrivals = canonical_arrivals(cell_.arrivals, capacity);
  if (cell_.arrivals_ns.empty()) cell_.arrivals_ns = arrival_times(cell_.arrivals, cell_.tasks, cell_.seed);
}

Cell CellBuilder::build() {
  if (suite_seed_) cell_.seed = cell_seed(*suite_seed_, cell_);
  if (cell_.task_durations_ns.empty()) {
    cell_.task_durations_ns = draw_durations(cell_.distribution, cell_.tasks, cell_.task_ns, cell_.seed);
    cell_.callback_durations_ns.assign(cell_.task_durations_ns.size(), cell_.callback_ns);
  }
  if (arrives(cell_)) decide_arrivals();
  cell_.cell_id = cell_id(cell_);
  return std::move(cell_);
}

}  // namespace harness
