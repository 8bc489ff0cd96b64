#include "harness/cli/predict_options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/backends/remote.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/parsers.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/model_case.h"

namespace harness {
namespace {

constexpr std::size_t kMostPoints = 10'000;
constexpr std::string_view kSweepAxes = "workers, parsers, chunksize, in-flight";

SweptAxis parse_sweep(const std::string& text, int cores) {
  const auto at = text.find('=');
  SweptAxis sweep{text.substr(0, at), {}};
  if (at == std::string::npos ||
      (sweep.axis != "workers" && sweep.axis != "parsers" && sweep.axis != "chunksize" && sweep.axis != "in-flight")) {
    throw ConfigError(
        fmt::format("bad --sweep '{}'; allowed: AXIS=SIZES with AXIS one of {}, such as workers=1..64", text, kSweepAxes));
  }
  sweep.values = parse_sizes(text.substr(at + 1), cores);
  return sweep;
}

std::vector<SweptAxis> sweeps_of(const PredictOptions& options, int cores) {
  std::vector<SweptAxis> sweeps;
  std::size_t points = 1;
  for (const std::string& text : options.sweeps) {
    SweptAxis sweep = parse_sweep(text, cores);
    for (const SweptAxis& other : sweeps) {
      if (other.axis == sweep.axis) throw ConfigError(fmt::format("--sweep {} is given twice", sweep.axis));
    }
    points *= sweep.values.size();
    if (points > kMostPoints) throw ConfigError(fmt::format("--sweep: more than {} cases", kMostPoints));
    sweeps.push_back(std::move(sweep));
  }
  return sweeps;
}

// An axis that is swept is not set as well; its flag gets the first value, so that the case itself is complete.
void require_unset(bool given, const std::string& axis) {
  if (given) throw ConfigError(fmt::format("--{} and --sweep {}=... contradict each other", axis, axis));
}
PredictOptions with_first_values(PredictOptions options, const std::vector<SweptAxis>& sweeps) {
  CaseOptions& base = options.base;
  for (const SweptAxis& sweep : sweeps) {
    const std::string first = std::to_string(sweep.values.front().value);
    if (sweep.axis == "workers") {
      require_unset(!base.workers.empty(), sweep.axis);
      base.workers = first;
    } else if (sweep.axis == "parsers") {
      require_unset(base.parsers.has_value(), sweep.axis);
      base.parsers = first;
    } else if (sweep.axis == "chunksize") {
      require_unset(base.chunksize.has_value(), sweep.axis);
      base.chunksize = first;
    } else {
      require_unset(base.in_flight.has_value(), sweep.axis);
      base.in_flight = first;
    }
  }
  return options;
}

std::int64_t cost(const std::optional<std::string>& text) { return text ? parse_duration(*text).count() : 0; }

int one_size(const std::string& text, std::string_view flag, int cores) {
  const std::vector<Size> sizes = parse_sizes(text, cores);
  if (sizes.size() != 1) throw ConfigError(fmt::format("{} '{}': one number is allowed here", flag, text));
  return sizes.front().value;
}

void add_computation(const std::optional<std::string>& text, std::string_view flag, bool locked,
                     std::vector<model::Demand>& demands) {
  if (!text) return;
  const auto durations = parse_durations(*text);
  const bool one_for_all = durations.size() == 1 && text->find_first_of(",x") == std::string::npos;
  if (!one_for_all && durations.size() != demands.size()) {
    throw ConfigError(fmt::format("{} '{}' gives {} durations for {} tasks; allowed: one for all, or one per task", flag, *text,
                                  durations.size(), demands.size()));
  }
  for (std::size_t i = 0; i < demands.size(); ++i) {
    demands[i].compute_ns = durations[one_for_all ? 0 : i].count();
    demands[i].locked = locked;
  }
}

void require_meaning(const PredictOptions& options, const Cell& cell) {
  require_arrivals_apply(cell.strategy, options.arrivals, options.seed);
  if (options.arrivals && options.explain) throw ConfigError("--explain is of a batch; leave out --arrivals");
  if (options.arrivals && needs_capacity(*options.arrivals) && !options.sweeps.empty())
    throw ConfigError("a rate of the capacity is another one at each point of a --sweep; allowed: a rate such as poisson:300/s");
  if (options.wake_cost) require_event_loop(cell.backend, "--wake-cost");
  const bool hop = options.hop_latency || options.bandwidth || options.payload;
  if (hop && !is_remote(cell.backend)) {
    throw ConfigError(fmt::format("{} does not apply to backend {}, only to remote and remote:HOSTS",
                                  options.hop_latency ? "--hop-latency"
                                  : options.bandwidth ? "--bandwidth"
                                                      : "--payload",
                                  cell.backend));
  }
  if (options.bandwidth.has_value() != options.payload.has_value()) {
    throw ConfigError("--bandwidth and --payload go together: how much of a result a second, and how large each is");
  }
  if (hop && options.explain)
    throw ConfigError("--explain has no path that leaves the machine; leave out --hop-latency and --bandwidth");
  const bool computes = options.compute || options.callback_compute;
  if (options.callback_compute && !has_callbacks(cell.strategy)) {
    throw ConfigError("--callback-compute does not apply to strategy none: it has no callbacks");
  }
  if (options.cores && !computes) {
    throw ConfigError("--cores does not apply: nothing computes; give --compute or --callback-compute as well");
  }
  if (options.gil && !computes) {
    throw ConfigError("--gil does not apply: nothing computes; give --compute or --callback-compute as well");
  }
  if (options.routing_cost && !has_parsers(cell.strategy)) {
    throw ConfigError(fmt::format("--routing-cost does not apply to strategy {}, only to extra", cell.strategy));
  }
  if (!options.coupled) return;
  if (!runs_in_processes(cell) || (cell.strategy != "main" && has_callbacks(cell.strategy))) {
    throw ConfigError(
        "--coupled does not apply: only a process pool with strategy main or none has a thread that both "
        "dispatches and runs callbacks");
  }
  if (computes || options.submit_cost) {
    throw ConfigError(
        "--coupled is modelled without shared cores and submit costs; leave out --compute, "
        "--callback-compute and --submit-cost");
  }
}

model::Hop hop_of(const PredictOptions& options, const model::Case& c) {
  model::Hop hop{.latency_ns = cost(options.hop_latency)};
  if (options.bandwidth) {
    const std::int64_t bytes = parse_bytes(*options.payload);
    const double ns = static_cast<double>(bytes) * 1e9 / static_cast<double>(parse_bandwidth(*options.bandwidth));
    constexpr double kLongest = 9.2e18;
    if (ns > kLongest)
      throw ConfigError(fmt::format("--payload '{}' takes more than 292 years at {}", *options.payload, *options.bandwidth));
    hop.answer_ns = static_cast<std::int64_t>(std::ceil(ns));
  }
  return hop.any() ? hop_for(c, hop) : hop;
}

model::Case model_case_of(const PredictOptions& options, const Cell& cell, int usable_cores) {
  require_meaning(options, cell);
  model::Case c = waiting_case(cell);
  const bool processes = runs_in_processes(cell);
  add_computation(options.compute, "--compute", options.gil && !processes, c.tasks);
  add_computation(options.callback_compute, "--callback-compute", options.gil && !processes && !has_parsers(cell.strategy),
                  c.callbacks);
  if (options.compute || options.callback_compute) {
    c.cores = options.cores ? one_size(*options.cores, "--cores", usable_cores)
                            : usable_cores * machines_of(cell.backend);  // hosts are taken to have as many
  }
  c.overheads = {.submit_ns = cost(options.submit_cost),
                 .dispatch_ns = cost(options.dispatch_cost),
                 .routing_ns = cost(options.routing_cost),
                 .wake_ns = cost(options.wake_cost)};
  c.serial = cell.backend == "inline";
  c.hop = hop_of(options, c);
  if (options.arrivals) {
    const double capacity = needs_capacity(*options.arrivals) ? capacity_meant(*options.arrivals, c) : 0;
    c.arrivals_ns =
        arrival_times(canonical_arrivals(*options.arrivals, capacity), cell.tasks, options.seed ? parse_seed(*options.seed) : 1);
  }
  set_full_queue(cell, c);
  // What CPython's executors are, unless something is asked that coupling is not modelled with.
  const bool costs_more = options.compute || options.callback_compute || options.submit_cost;
  c.coupled = options.coupled || (c.coupled && !costs_more);
  try {
    model::check(c);
  } catch (const std::logic_error& error) {
    throw ConfigError(error.what());
  } catch (const std::overflow_error& error) {
    throw ConfigError(error.what());
  }
  return c;
}

void set_chunksize(PredictedPoint& point, int chunksize) {
  point.factors.chunksize = chunksize;
  if (runs_in_processes(point.factors)) point.model_case.chunksize = chunksize;  // a pool of threads ignores it
}

void set(PredictedPoint& point, const std::string& axis, const Size& size) {
  if (axis == "workers") {
    const std::int64_t each = point.model_case.hop.window / point.model_case.workers;
    point.factors.workers = point.model_case.workers = size.value;
    point.model_case.hop.window = each * size.value;
    point.factors.workers_spec = size.spec;
  } else if (axis == "parsers") {
    point.factors.parsers = point.model_case.parsers = size.value;
  } else if (axis == "chunksize") {
    set_chunksize(point, size.value);
  } else {
    point.model_case.in_flight = point.factors.in_flight = size.value;
  }
}

}  // namespace

void add_predict_options(CLI::App& command, PredictOptions& options) {
  add_case_options(command, options.base);
  command.get_option("--parsers")
      ->description(
          "parser processes of strategy extra (default 1); auto: the fewest that "
          "reach the makespan of unlimited ones");
  command.add_flag("--explain", options.explain, "which term of the formula binds, the critical path, and who does what when");
  command
      .add_option("--sweep", options.sweeps,
                  "AXIS=SIZES: a table over workers, parsers, chunksize or in-flight, as in workers=1..64; "
                  "may be repeated")
      ->allow_extra_args(false);
  command.add_option("--submit-cost", options.submit_cost, "what each submit costs the submitting thread");
  command.add_option("--dispatch-cost", options.dispatch_cost,
                     "what each task costs its worker beforehand; a loop thread, whatever it takes up");
  command.add_option("--routing-cost", options.routing_cost,
                     "what handing a result to a parser costs the main process (strategy extra)");
  command.add_option("--wake-cost", options.wake_cost, "what waking a loop thread costs that had nothing to do (event loops)");
  command.add_option("--hop-latency", options.hop_latency,
                     "what the way to workers on other hosts takes, each way (backend remote)");
  command.add_option("--bandwidth", options.bandwidth, "of the way back from them, with --payload: 100MB/s, 1.25GB/s");
  command.add_option("--payload", options.payload, "size of each result on that way: 4096, 64KiB, 1MiB");
  command.add_option("--compute", options.compute,
                     "computation of each task after its wait in --tasks: one for all, or one per task");
  command.add_option("--callback-compute", options.callback_compute, "likewise of each callback");
  command.add_option("--cores", options.cores, "cores that computation shares (default: this machine's)");
  command.add_option(
      "--arrivals", options.arrivals,
      "when tasks come: 0ms,10ms,... (one per task), constant:300/s, poisson:300/s, poisson:0.8*capacity, burst:50@1s, "
      "trace:FILE; default: all at once");
  command.add_option("--seed", options.seed, "what poisson arrivals are drawn from (default 1)");
  add_client_options(command, options.clients);
  command.add_flag("--gil", options.gil, "computation holds one lock per process, as Python's");
  command.add_flag("--coupled", options.coupled, "callbacks run on the thread that dispatches, as in CPython's process pool");
}

PredictRequest predict_request(const PredictOptions& options, int usable_cores) {
  const std::vector<SweptAxis> sweeps = sweeps_of(options, usable_cores);
  if (options.explain && !sweeps.empty()) throw ConfigError("--explain shows one case, --sweep many; allowed: one of them");
  PredictOptions complete = with_first_values(options, sweeps);
  const bool parsers_auto = complete.base.parsers == "auto";
  if (parsers_auto) complete.base.parsers = "1";
  Cell cell = cell_of(complete.base, usable_cores);
  set_clients(options.clients, !options.arrivals, cell);
  return {{model_case_of(complete, cell, usable_cores), cell}, sweeps, parsers_auto};
}

PointSizes sizes_of(const PredictedPoint& point) {
  return {point.factors.workers, point.factors.workers_spec, point.factors.parsers, point.factors.chunksize,
          point.model_case.in_flight};
}

PredictRequest::PredictRequest(PredictedPoint first, std::vector<SweptAxis> sweeps, bool parsers_auto)
    : point_(std::move(first)), sweeps_(std::move(sweeps)), parsers_auto_(parsers_auto) {
  for (const SweptAxis& sweep : sweeps_) points_ *= sweep.values.size();
}

const PredictedPoint& PredictRequest::move_to(std::size_t index) {
  for (auto sweep = sweeps_.rbegin(); sweep != sweeps_.rend(); ++sweep) {
    set(point_, sweep->axis, sweep->values[index % sweep->values.size()]);
    index /= sweep->values.size();
  }
  if (parsers_auto_) point_.factors.parsers = point_.model_case.parsers = model::enough_parsers(point_.model_case);
  return point_;
}

const PredictedPoint& PredictRequest::move_to(const PointSizes& sizes) {
  set(point_, "workers", {sizes.workers_spec, sizes.workers});
  set(point_, "parsers", {"", sizes.parsers});
  set_chunksize(point_, sizes.chunksize);
  point_.model_case.in_flight = sizes.in_flight;
  point_.factors.in_flight = static_cast<int>(sizes.in_flight);
  return point_;
}

}  // namespace harness
