#include "harness/plan/plan_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/text.h"
#include "harness/engine/backends/backend.h"
#include "harness/engine/backends/remote.h"
#include "harness/engine/backends/event_loops.h"
#include "harness/engine/drivers/catalogue.h"
#include "harness/engine/own/own_work.h"
#include "harness/engine/strategies/strategy.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/cell_builder.h"
#include "harness/plan/distribution.h"
#include "harness/plan/model_case.h"
#include "harness/plan/own_inputs.h"
#include "workloads/work.h"

namespace harness {
namespace {

constexpr std::size_t kMostCells = 100'000;

// A value of an axis, in the form its column has: names and specs as text, everything else as a number too.
struct Value {
  std::string text;
  std::int64_t number = 0;
  std::vector<std::int64_t> list;  // durations of an explicit case
};

template <class Infos>
std::vector<std::string> names_of(const Infos& infos) {
  std::vector<std::string> names;
  for (const auto& info : infos) names.emplace_back(info.name);
  return names;
}

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const workloads::Workload* const workload : workloads::catalogue()) names.emplace_back(workload->name());
  return names;
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const Backend* const backend : backend_catalogue()) names.emplace_back(backend->name());
  return names;
}

std::vector<std::string> start_methods() {
  std::vector<std::string> names;
  for (const Backend* const backend : backend_catalogue()) {
    std::string name(backend->start_method());
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<Value> one_name(std::string_view axis, const std::string& text, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), text) == known.end()) {
    throw ConfigError(fmt::format("unknown {} '{}'{}; allowed: {}", axis, text, did_you_mean(text, known), join(known)));
  }
  return {{text, 0, {}}};
}

std::vector<Value> duration_list(const std::string& text) {
  Value value{text, 0, {}};
  for (const auto duration : parse_durations(text)) value.list.push_back(duration.count());
  return {value};
}

// What one written value of an axis stands for: several values where a size is a list or a range.
std::vector<Value> resolve(std::string_view axis, const std::string& text, int cores) {
  if (axis == "backend") {
    if (text.starts_with(drivers::kPrefix) || text.starts_with(kRemotePrefix))
      return {{std::string(find_backend(text).name()), 0, {}}};
    if (drivers::known_backend(text) != nullptr) return {{text, 0, {}}};
    return one_name(axis, text, backend_names());
  }
  if ((axis == "workload" || axis == "callback_workload") && own::is_own(text)) {
    own::require(axis == "workload" ? own::Role::task : own::Role::callback, axis, text);
    return {{text, 0, {}}};
  }
  if (axis == "callback_workload") {
    throw ConfigError(
        fmt::format("bad callback_workload '{}'; allowed: python:MODULE:FUNCTION, command:PROGRAM, function:LIBRARY", text));
  }
  if (axis == "inputs") return {{text, 0, {}}};
  if (axis == "workload") {
    const workloads::Workload* const known = workloads::find_workload(text);  // also one that is not listed: mixed:16
    if (known != nullptr) return {{std::string(known->name()), 0, {}}};
    return one_name(axis, text, workload_names());
  }
  if (axis == "strategy") return one_name(axis, text, names_of(strategies()));
  if (axis == "distribution") return one_name(axis, text, names_of(distributions()));
  if (axis == "start_method") return one_name(axis, text, start_methods());
  if (axis == "task" || axis == "callback" || axis == "deadline") {
    const std::int64_t ns = parse_duration(text).count();
    return {{format_duration(std::chrono::nanoseconds(ns)), ns, {}}};
  }
  if (axis == "payload") return {{text, parse_bytes(text), {}}};
  if (axis == "arrivals") {
    require_arrivals(text);
    return {{text, 0, {}}};
  }
  if (axis == "when_full") return one_name(axis, text, {"block", "reject", "caller_runs"});
  if ((axis == "in_flight" || axis == "queue") && text == "0") return {{text, 0, {}}};
  std::vector<Value> values;  // workers, parsers, tasks, chunksize, in_flight, queue
  for (const Size& size : parse_sizes(text, cores)) {
    if (size.value > kMostItems) {
      throw ConfigError(fmt::format("bad {} '{}': {}; allowed: at most {}", axis, text, size.value, kMostItems));
    }
    values.push_back({size.spec, size.value, {}});
  }
  return values;
}

class TableReader {
 public:
  TableReader(const Suite& suite, const Table& table, int cores) : suite_(suite), table_(table), cores_(cores) {}

  // The values of an axis, resolved, equal ones once; `fallback` where the table does not name it.
  std::vector<Value> axis(std::string_view name, const std::string& fallback) const {
    const auto found = table_.axes.find(name);
    if (found == table_.axes.end()) {
      if (fallback.empty()) return {Value{}};
      return resolve(name, fallback, cores_);
    }
    std::vector<Value> values;
    for (const AxisValue& written : found->second) {
      for (Value& value : at(written.line, [&] { return resolve(name, written.text, cores_); })) {
        const bool known = std::any_of(values.begin(), values.end(), [&](const Value& other) {
          return is_number(name) ? other.number == value.number : other.text == value.text;
        });
        if (!known) values.push_back(std::move(value));
      }
    }
    return values;
  }

  // `task` or `callback` of an explicit case: the written values, joined.
  Value list(std::string_view name) const {
    Value all;
    const auto found = table_.axes.find(name);
    if (found == table_.axes.end()) return all;
    for (const AxisValue& written : found->second) {
      const Value part = at(written.line, [&] { return duration_list(written.text); }).front();
      all.list.insert(all.list.end(), part.list.begin(), part.list.end());
    }
    return all;
  }

  bool excluded(const Factors& factors) const {
    const auto matches = [&](const Exclusion& exclusion) {
      return std::all_of(exclusion.axes.begin(), exclusion.axes.end(), [&](const auto& axis) {
        return std::any_of(axis.second.begin(), axis.second.end(),
                           [&](const AxisValue& value) { return agrees(factors, axis.first, value); });
      });
    };
    return std::any_of(suite_.exclusions.begin(), suite_.exclusions.end(), matches) ||
           std::any_of(table_.exclusions.begin(), table_.exclusions.end(), matches);
  }

  // Wrong values in an exclusion are refused even where no cell would ever be compared with them.
  void check_exclusions() const {
    for (const auto* const exclusions : {&suite_.exclusions, &table_.exclusions}) {
      for (const Exclusion& exclusion : *exclusions) {
        for (const auto& [name, values] : exclusion.axes) {
          for (const AxisValue& value : values)
            at(value.line, [&, &axis_name = name] { return resolve(axis_name, value.text, cores_); });
        }
      }
    }
  }

  template <class Resolve>
  std::invoke_result_t<Resolve> at(int line, Resolve resolve_value) const {
    try {
      return resolve_value();
    } catch (const ConfigError& error) {
      fail(line, error.what());
    }
  }

  [[noreturn]] void fail(int line, std::string_view message) const {
    throw ConfigError(fmt::format("{}:{}: {}", suite_.source, line, message));
  }

  static bool is_number(std::string_view axis) {
    return axis == "workers" || axis == "parsers" || axis == "tasks" || axis == "task" || axis == "callback" ||
           axis == "payload" || axis == "chunksize" || axis == "in_flight" || axis == "queue" || axis == "deadline";
  }

 private:
  bool agrees(const Factors& factors, const std::string& axis, const AxisValue& written) const {
    for (const Value& value : at(written.line, [&] { return resolve(axis, written.text, cores_); })) {
      if (axis == "backend" && factors.backend == value.text) return true;
      if (axis == "workload" && factors.workload == value.text) return true;
      if (axis == "strategy" && factors.strategy == value.text) return true;
      if (axis == "distribution" && factors.distribution == value.text) return true;
      if (axis == "start_method" && factors.start_method == value.text) return true;
      if (axis == "workers" && factors.workers == value.number) return true;
      if (axis == "parsers" && factors.parsers == value.number) return true;
      if (axis == "tasks" && factors.tasks == value.number) return true;
      if (axis == "task" && factors.task_ns == value.number) return true;
      if (axis == "callback" && factors.callback_ns == value.number) return true;
      if (axis == "payload" && factors.payload_bytes == value.number) return true;
      if (axis == "chunksize" && factors.chunksize == value.number) return true;
      if (axis == "in_flight" && factors.in_flight == value.number) return true;
      if (axis == "arrivals" && factors.arrivals_spec == value.text) return true;
      if (axis == "queue" && factors.queue == value.number) return true;
      if (axis == "when_full" && factors.when_full == value.text) return true;
      if (axis == "deadline" && factors.deadline_ns == value.number) return true;
      if (axis == "callback_workload" && factors.callback_workload == value.text) return true;
      if (axis == "inputs" && factors.inputs == value.text) return true;
    }
    return false;
  }

  const Suite& suite_;
  const Table& table_;
  int cores_;
};

// How many arrive within the duration. A rate of the capacity is for this taken of equal tasks. REQUIRES: the cell can be run.
int tasks_of(const Factors& factors, const std::string& duration) {
  if (!arrives(factors)) throw ConfigError("'duration' says how long tasks arrive; with arrivals = \"closed\" use 'tasks'");
  Factors one = factors;
  one.distribution = "equal";
  one.arrivals = one.arrivals_spec = Factors{}.arrivals;
  const bool needed = needs_capacity(factors.arrivals);
  const double capacity = needed ? capacity_meant(factors.arrivals, requested_case(CellBuilder(canonical(one)).build())) : 0;
  return tasks_within(canonical_arrivals(factors.arrivals, capacity), parse_duration(duration));
}

std::string start_method_skip(Factors& factors) {
  const std::string own(find_backend(factors.backend).start_method());
  if (factors.start_method.empty()) factors.start_method = own;
  if (factors.start_method == own) return {};
  return fmt::format("{} has the start method {}", factors.backend, own);
}

}  // namespace

std::string why_same(const Factors& written, const Factors& kept) {
  if (written.workers != kept.workers) {
    return fmt::format("{} has {}", written.backend,
                       find_backend(written.backend).workers(2, 3) == 1 ? "one worker" : "one worker per task");
  }
  if (written.parsers != kept.parsers) return "parsers crosses `extra` only";
  if (written.chunksize != kept.chunksize) return "chunksize has a meaning for `map` on processes only";
  if (written.in_flight != kept.in_flight) {
    return is_event_loop(written.backend) ? "no more tasks than in_flight are no bound" : "in_flight bounds event loops only";
  }
  if (written.task_ns != kept.task_ns || written.payload_bytes != kept.payload_bytes || written.distribution != kept.distribution)
    return "work of one's own takes what it takes";
  if (written.callback_ns != kept.callback_ns) {
    return has_callbacks(written.strategy) ? "a callback of one's own takes what it takes" : "`none` has no callback";
  }
  if (written.inputs != kept.inputs) return "inputs are of work of one's own only";
  if (written.callback_workload != kept.callback_workload) {
    return has_callbacks(written.strategy) ? "callback_workload is of work of one's own only" : "`none` has no callback";
  }
  if (written.arrivals != kept.arrivals) return "two ways to write the same arrivals";
  if (written.queue != kept.queue) return "queue bounds tasks that arrive only";
  if (written.when_full != kept.when_full) return "when_full has a meaning for a bounded queue of tasks that arrive only";
  if (written.deadline_ns != kept.deadline_ns) return "a deadline is of tasks that arrive only";
  return {};
}

std::vector<Candidate> candidates(const Suite& suite, const Table& table, int cores, std::uint64_t seed) {
  const TableReader reader(suite, table, cores);
  reader.check_exclusions();

  Value task_list;
  Value callback_list;
  if (table.explicit_case) {
    task_list = reader.list("task");
    callback_list = reader.list("callback");
    const std::size_t n = task_list.list.size();
    if (callback_list.list.empty()) callback_list.list.assign(1, 0);
    if (callback_list.list.size() == 1) callback_list.list.resize(n, callback_list.list.front());
    if (callback_list.list.size() != n) {
      reader.fail(table.axes.find("callback")->second.front().line,
                  fmt::format("{} callback durations for {} tasks; allowed: one for all, or one per task",
                              callback_list.list.size(), n));
    }
    task_list.number = *std::max_element(task_list.list.begin(), task_list.list.end());
    callback_list.number = *std::max_element(callback_list.list.begin(), callback_list.list.end());
  }
  if (const auto callbacks = table.axes.find("callback_workload"); callbacks != table.axes.end()) {
    const std::vector<Value> strategies = reader.axis("strategy", "none");
    if (std::ranges::none_of(strategies, [](const Value& value) { return has_callbacks(value.text); }))
      reader.fail(callbacks->second.front().line,
                  "a callback_workload needs a strategy that has callbacks: strategy = \"worker\", say");
  }
  const auto explicit_count = static_cast<std::int64_t>(task_list.list.size());

  // One line per axis, the slowest first: how its value goes into the factors.
  struct Crossed {
    std::vector<Value> values;
    std::function<void(Factors&, const Value&)> set;
  };
  const bool grid = !table.explicit_case;
  const std::vector<Crossed> crossed = {
      {reader.axis("workload", "sleep"), [](Factors& factors, const Value& value) { factors.workload = value.text; }},
      {grid ? reader.axis("distribution", "equal") : std::vector<Value>{{"explicit", 0, {}}},
       [](Factors& factors, const Value& value) { factors.distribution = value.text; }},
      {reader.axis("inputs", ""), [](Factors& factors, const Value& value) { factors.inputs = value.text; }},
      {grid && !table.duration ? reader.axis("tasks", "") : std::vector<Value>{{"", explicit_count, {}}},
       [](Factors& factors, const Value& value) { factors.tasks = static_cast<int>(value.number); }},
      {grid ? reader.axis("task", "") : std::vector<Value>{task_list},
       [](Factors& factors, const Value& value) { factors.task_ns = value.number; }},
      {reader.axis("payload", "0"), [](Factors& factors, const Value& value) { factors.payload_bytes = value.number; }},
      {grid ? reader.axis("callback", "0s") : std::vector<Value>{callback_list},
       [](Factors& factors, const Value& value) { factors.callback_ns = value.number; }},
      {reader.axis("callback_workload", ""),
       [](Factors& factors, const Value& value) { factors.callback_workload = value.text; }},
      {reader.axis("strategy", "none"), [](Factors& factors, const Value& value) { factors.strategy = value.text; }},
      {reader.axis("parsers", ""),
       [](Factors& factors, const Value& value) { factors.parsers = static_cast<int>(value.number); }},
      {reader.axis("chunksize", "1"),
       [](Factors& factors, const Value& value) { factors.chunksize = static_cast<int>(value.number); }},
      {reader.axis("in_flight", "0"),
       [](Factors& factors, const Value& value) { factors.in_flight = static_cast<int>(value.number); }},
      {reader.axis("arrivals", "closed"),
       [](Factors& factors, const Value& value) { factors.arrivals = factors.arrivals_spec = value.text; }},
      {reader.axis("queue", "0"), [](Factors& factors, const Value& value) { factors.queue = static_cast<int>(value.number); }},
      {reader.axis("when_full", ""),
       [](Factors& factors, const Value& value) {
         if (!value.text.empty()) factors.when_full = value.text;
       }},
      {reader.axis("deadline", "0s"), [](Factors& factors, const Value& value) { factors.deadline_ns = value.number; }},
      {reader.axis("backend", ""), [](Factors& factors, const Value& value) { factors.backend = value.text; }},
      {reader.axis("start_method", ""), [](Factors& factors, const Value& value) { factors.start_method = value.text; }},
      {reader.axis("workers", "cores"),
       [](Factors& factors, const Value& value) {
         factors.workers = static_cast<int>(value.number);
         factors.workers_spec = value.text;
       }},
  };

  std::size_t count = 1;
  for (const Crossed& axis : crossed) {
    count *= axis.values.size();
    if (count > kMostCells) reader.fail(table.line, fmt::format("more than {} combinations", kMostCells));
  }

  std::vector<Candidate> found;
  KnownInputs known;
  std::size_t tasks_in_all = 0;
  for (std::size_t index = 0; index < count; ++index) {
    Candidate candidate;
    Factors& factors = candidate.written;
    factors.cores = cores;
    std::size_t rest = index;
    for (auto axis = crossed.rbegin(); axis != crossed.rend(); ++axis) {
      axis->set(factors, axis->values[rest % axis->values.size()]);
      rest /= axis->values.size();
    }
    const bool is_own = own::is_own(factors.workload);
    const Inputs* const inputs =
        is_own ? &reader.at(table.line, [&]() -> const Inputs& { return known.of(factors, grid); }) : nullptr;
    if (is_own && factors.tasks == 0) factors.tasks = inputs->count;
    candidate.skip = start_method_skip(factors);
    if (reader.excluded(factors)) continue;
    if (table.duration) factors.tasks = 1;
    Factors meant = canonical(factors);
    meant.workers = workers_on(find_backend(meant.backend), meant.workers);
    if (candidate.skip.empty()) candidate.skip = skip_reason(meant).value_or("");
    if (table.duration && candidate.skip.empty()) {
      factors.tasks = meant.tasks = reader.at(table.duration->line, [&] { return tasks_of(meant, table.duration->text); });
      meant = canonical(meant);
    }
    if (candidate.skip.empty()) {
      tasks_in_all += static_cast<std::size_t>(meant.tasks);
      if (tasks_in_all > static_cast<std::size_t>(kMostTasksInAll)) {
        reader.fail(table.line,
                    fmt::format("the cells have more than {} tasks in all; split them over several suites", kMostTasksInAll));
      }
      CellBuilder builder(meant);
      if (!grid) builder.durations(task_list.list, callback_list.list);
      const std::uint64_t suite_seed = is_own ? seed ^ inputs->digest : seed;
      candidate.cell = reader.at(table.line, [&] { return builder.seeded_by(suite_seed).build(); });
      reader.at(table.line, [&] {
        require_releasable(candidate.cell.arrivals);
        return 0;
      });
    }
    found.push_back(std::move(candidate));
  }
  return found;
}

}  // namespace harness
