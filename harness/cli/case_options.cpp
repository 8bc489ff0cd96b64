#include "harness/cli/case_options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/own/own_work.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/model/closed_forms.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/own_inputs.h"

namespace harness {
namespace {

constexpr std::int64_t kMost = 2'147'483'647;  // parsers, tasks per chunk, tasks

std::vector<std::int64_t> nanoseconds(const std::vector<std::chrono::nanoseconds>& durations) {
  std::vector<std::int64_t> values;
  values.reserve(durations.size());
  for (const std::chrono::nanoseconds duration : durations) values.push_back(duration.count());
  return values;
}

// One count; backends without a choice take their own and accept no other.
Size workers_of(const CaseOptions& options, const Backend& backend, int tasks, int cores) {
  const int own = backend.workers(1, tasks);
  const bool fixed = own == backend.workers(2, tasks) && own == backend.workers(3, tasks);
  if (options.workers.empty()) {
    if (!fixed)
      throw ConfigError(fmt::format("--workers is missing: backend {} needs one size, such as 4 or cores*5", options.backend));
    return {std::to_string(own), own};
  }
  if (options.workers.find(',') != std::string::npos || options.workers.find("..") != std::string::npos) {
    throw ConfigError(fmt::format("--workers '{}' is a list; one size is allowed here, such as 4 or cores*5", options.workers));
  }
  const std::vector<Size> sizes = parse_sizes(options.workers, cores);
  if (sizes.size() != 1) throw ConfigError(fmt::format("--workers '{}': one size is allowed here", options.workers));
  if (!fixed) return {sizes.front().spec, workers_on(backend, sizes.front().value)};
  if (sizes.front().value != own) {
    throw ConfigError(fmt::format("--workers {} does not apply to backend {}: it has {} for {} task{}", options.workers,
                                  options.backend, own, tasks, tasks == 1 ? "" : "s"));
  }
  return sizes.front();
}

std::vector<std::int64_t> callbacks_of(const CaseOptions& options, std::size_t tasks) {
  std::vector<std::int64_t> callbacks = nanoseconds(parse_durations(options.callbacks));
  // One duration stands for all; a list, "1x50ms" included, has one per task.
  const bool one_for_all = callbacks.size() == 1 && options.callbacks.find_first_of(",x") == std::string::npos;
  if (one_for_all) callbacks.assign(tasks, callbacks.front());
  if (callbacks.size() != tasks) {
    throw ConfigError(fmt::format("--callbacks '{}' gives {} durations for {} tasks; allowed: one for all, or one per task",
                                  options.callbacks, callbacks.size(), tasks));
  }
  if (!has_callbacks(options.strategy) && *std::max_element(callbacks.begin(), callbacks.end()) > 0) {
    throw ConfigError(fmt::format("--callbacks '{}' does not apply to strategy none: it has no callbacks", options.callbacks));
  }
  return callbacks;
}

// What is done, and on what. Throws ConfigError.
Inputs set_own_work(const CaseOptions& options, Factors& factors) {
  if (!own::is_own(options.workload)) {
    throw ConfigError(fmt::format(
        "--workload '{}' is no work of your own; allowed: python:MODULE:FUNCTION, command:PROGRAM {{}}, function:LIBRARY",
        options.workload));
  }
  if (!options.tasks.empty()) throw ConfigError("--tasks does not apply: work of your own takes what it takes, once per input");
  own::require(own::Role::task, "--workload", options.workload);
  factors.workload = options.workload;
  factors.inputs = options.inputs;
  if (!options.callback_workload.empty()) {
    if (!own::is_own(options.callback_workload) || !has_callbacks(options.strategy)) {
      throw ConfigError(fmt::format("--callback-workload '{}' {}", options.callback_workload,
                                    has_callbacks(options.strategy) ? "is no work of your own, such as command:PROGRAM"
                                                                    : "does not apply to strategy none: it has no callbacks"));
    }
    own::require(own::Role::callback, "--callback-workload", options.callback_workload);
    factors.callback_workload = options.callback_workload;
  }
  if (options.inputs.empty()) throw ConfigError("--inputs is missing: a file with one per line, or numbers such as 1..60");
  KnownInputs known;
  return known.of(factors, true);
}

// Whether there are none. The seed is the cell's own then, so that `predict` with the same flags speaks of the same clients.
bool set_arrivals(const CaseOptions& options, Factors& factors) {
  require_arrivals_apply(options.strategy, options.arrivals, options.seed);
  factors.arrivals = options.arrivals.value_or(factors.arrivals);
  require_arrivals(factors.arrivals);
  const bool closed = !arrives(factors);
  set_clients(options.clients, closed, factors);
  if (!closed) factors.seed = options.seed ? parse_seed(*options.seed) : 1;
  return closed;
}

}  // namespace

void add_case_options(CLI::App& command, CaseOptions& options) {
  command.add_option("--backend", options.backend, "executor under test; see `poolbench list backends`")->required();
  command.add_option("--workers", options.workers, "one size: 4, cores, cores*5; inline has 1, thread_per_task one per task");
  command.add_option("--tasks", options.tasks, "durations in submission order: 100ms,200ms or 8x100ms,1s")->required();
  command.add_option("--callbacks", options.callbacks, "one duration for all, or one per task")->default_str("0s");
  command.add_option("--strategy", options.strategy, "who runs the callbacks; see `poolbench list strategies`")->required();
  command.add_option("--parsers", options.parsers, "parser processes of strategy extra (default 1)");
  command.add_option("--chunksize", options.chunksize, "tasks per job of strategy map (default 1)");
  command.add_option("--in-flight", options.in_flight,
                     "tasks that are under way at once at most, such as 8 or cores*5 (event loops; default: any number)");
  command.add_option("-r,--runs", options.runs, "repetitions of `case`; a prediction has none")->default_str("5");
  command.add_flag("--json", options.json, "one JSON document instead of the table");
}

void require_event_loop(const std::string& backend, std::string_view flag) {
  if (is_event_loop(backend)) return;
  std::string loops;
  for (const Backend* const loop : backend_catalogue()) {
    if (is_event_loop(loop->name())) loops += (loops.empty() ? "" : ", ") + std::string(loop->name());
  }
  throw ConfigError(fmt::format("{} does not apply to backend {}, only to event loops: {}", flag, backend, loops));
}

std::string asked_json(const CaseOptions& options, const model::Case* c) {
  nlohmann::ordered_json asked;
  asked["backend"] = options.backend;
  asked["workers"] = options.workers;
  if (options.workload.empty()) asked["tasks"] = options.tasks;
  if (!options.workload.empty()) asked["workload"] = options.workload;
  if (!options.inputs.empty()) asked["inputs"] = options.inputs;
  if (!options.callback_workload.empty()) asked["callback_workload"] = options.callback_workload;
  asked["callbacks"] = options.callbacks;
  asked["strategy"] = options.strategy;
  if (options.parsers) asked["parsers"] = *options.parsers;
  if (options.chunksize) asked["chunksize"] = *options.chunksize;
  if (options.in_flight) asked["in_flight"] = *options.in_flight;
  if (options.arrivals) asked["arrivals"] = *options.arrivals;
  if (options.clients.queue) asked["queue"] = *options.clients.queue;
  if (options.clients.when_full) asked["when_full"] = *options.clients.when_full;
  if (options.clients.deadline) asked["deadline"] = *options.clients.deadline;
  nlohmann::ordered_json formula;
  if (c != nullptr && c->arrivals_ns.empty()) {
    const model::ClosedForm form = model::closed_form(*c);
    if (form.in_domain) formula = form.formula;
  }
  const auto text = [](const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  };
  return fmt::format(R"("case": {}, "formula": {})", text(asked), text(formula));
}

void require_arrivals_apply(std::string_view strategy, const std::optional<std::string>& arrivals,
                            const std::optional<std::string>& seed) {
  if (arrivals && !no_arrivals(strategy).empty()) {
    throw ConfigError(fmt::format("--arrivals does not apply to strategy {}: {}", strategy, no_arrivals(strategy)));
  }
  if (seed && !arrivals) throw ConfigError("--seed does not apply: only --arrivals poisson:RATE draws anything");
}

void set_clients(const ClientFlags& flags, bool closed, Factors& factors) {
  if ((flags.queue || flags.when_full) && closed)
    throw ConfigError("--queue and --when-full do not apply: they are of tasks that come over time; give --arrivals as well");
  if (flags.deadline && closed)
    throw ConfigError("--deadline does not apply: it is of tasks that come over time; give --arrivals as well");
  if (flags.when_full && !flags.queue) throw ConfigError("--when-full does not apply: without --queue no queue is ever full");
  if (flags.queue) {
    factors.queue = static_cast<int>(parse_integer(*flags.queue, "--queue", 1, kMost));
    factors.when_full = "block";
  }
  if (flags.when_full) {
    const std::vector<std::string> known = {"block", "reject", "caller_runs"};
    if (std::find(known.begin(), known.end(), *flags.when_full) == known.end())
      throw ConfigError(fmt::format("unknown --when-full '{}'; allowed: {}", *flags.when_full, join(known)));
    factors.when_full = *flags.when_full;
  }
  if (!flags.deadline) return;
  factors.deadline_ns = parse_duration(*flags.deadline).count();
  if (factors.deadline_ns == 0)
    throw ConfigError(fmt::format("--deadline '{}': everybody is late; allowed: more than 0", *flags.deadline));
}

void add_client_options(CLI::App& command, ClientFlags& flags) {
  command.add_option("--queue", flags.queue, "tasks that may wait for a worker, where they arrive (default: any number)");
  command.add_option("--when-full", flags.when_full,
                     "what becomes of a task that finds so many waiting: block, reject, caller_runs (default block)");
  command.add_option("--deadline", flags.deadline,
                     "where tasks arrive: who is there for longer, such as 200ms, is counted as late");
}

int runs_of(const CaseOptions& options) { return static_cast<int>(parse_integer(options.runs, "--runs", 1, 1'000'000)); }

Cell cell_of(const CaseOptions& options, int cores) {
  const Backend& backend = find_backend(options.backend);
  require_strategy(options.strategy);
  // An event loop need not be in this build to be predicted.
  const std::string reason = !backend.missing().empty() && is_event_loop(options.backend)
                                 ? std::string(loop_skip_reason(options.strategy))
                                 : backend.skip_reason(options.strategy);
  if (!reason.empty()) {
    throw ConfigError(fmt::format("strategy {} is not defined on backend {}: {}", options.strategy, options.backend, reason));
  }

  Factors factors;
  const bool is_own = !options.workload.empty();
  Inputs inputs;
  if (is_own) {
    inputs = set_own_work(options, factors);
  } else if (!options.inputs.empty() || !options.callback_workload.empty()) {
    throw ConfigError("--inputs and --callback-workload do not apply: they are of work of your own; give --workload as well");
  } else if (options.tasks.empty()) {
    throw ConfigError("--tasks is missing: durations such as 100ms,200ms; or --workload and --inputs, for work of your own");
  }
  std::vector<std::int64_t> tasks =
      is_own ? std::vector<std::int64_t>(static_cast<std::size_t>(inputs.count), 0) : nanoseconds(parse_durations(options.tasks));
  if (tasks.size() > static_cast<std::size_t>(kMost)) throw ConfigError("--tasks: more than 2147483647 tasks");
  const Size workers = workers_of(options, backend, static_cast<int>(tasks.size()), cores);
  std::vector<std::int64_t> callbacks = callbacks_of(options, tasks.size());

  factors.backend = options.backend;
  factors.workers = workers.value;
  factors.workers_spec = workers.spec;
  factors.tasks = static_cast<int>(tasks.size());
  factors.cores = cores;
  if (!is_own) factors.workload = "sleep";
  factors.strategy = options.strategy;
  if (options.parsers && !has_parsers(options.strategy)) {
    throw ConfigError(fmt::format("--parsers does not apply to strategy {}, only to extra", options.strategy));
  }
  if (has_parsers(options.strategy))
    factors.parsers = options.parsers ? static_cast<int>(parse_integer(*options.parsers, "--parsers", 1, kMost)) : 1;
  if (options.chunksize && !has_chunks(options.strategy)) {
    throw ConfigError(fmt::format("--chunksize does not apply to strategy {}, only to map", options.strategy));
  }
  if (options.in_flight) {
    require_event_loop(options.backend, "--in-flight");
    const std::vector<Size> sizes = parse_sizes(*options.in_flight, cores);
    if (sizes.size() != 1) throw ConfigError(fmt::format("--in-flight '{}': one number is allowed here", *options.in_flight));
    factors.in_flight = sizes.front().value;
  }
  const bool closed = set_arrivals(options, factors);
  if (options.chunksize) factors.chunksize = static_cast<int>(parse_integer(*options.chunksize, "--chunksize", 1, kMost));
  if (is_own) {
    factors.distribution = "equal";
    factors.callback_ns = callbacks.front();
    CellBuilder builder(canonical(std::move(factors)));
    if (closed) builder.seeded_by(1 ^ inputs.digest);
    return builder.build();
  }
  CellBuilder builder(closed ? std::move(factors) : canonical(std::move(factors)));
  if (closed) builder.seeded_by(1);
  return builder.durations(std::move(tasks), std::move(callbacks)).build();
}

}  // namespace harness
