#include "harness/engine/drivers/protocol.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "harness/base/console.h"
#include "harness/engine/strategies/strategy.h"

namespace harness::drivers {
namespace {

using nlohmann::json;

constexpr std::int64_t kCalibrationBudgetNs = 250'000'000;
constexpr std::array<std::string_view, 6> kWorkloads{"sleep", "blocking_sleep", "spin", "gil_spin", "mixed", "tcp_echo"};

std::string shown(const json& value) { return shortened(value.dump(-1, ' ', false, json::error_handler_t::replace)); }

constexpr int kDeepest = 8;  // of what an answer's object holds; a trace has three

// An answer is an object, and no error. Throws DriverError.
json object_of(std::string_view answer) {
  const auto shallow = [](int depth, json::parse_event_t, json&) {
    if (depth > kDeepest) throw DriverError("the driver's answer is nested deeper than any answer");
    return true;
  };
  json object = json::parse(answer, shallow, false);
  if (!object.is_object()) {
    throw DriverError(fmt::format("the driver's answer is not a JSON object: '{}'", shortened(answer)));
  }
  if (const auto error = object.find("error"); error != object.end()) {
    constexpr std::size_t kLongest = 400;
    throw DriverError("the driver: " +
                      (error->is_string() ? printable(error->get<std::string>().substr(0, kLongest)) : shown(*error)));
  }
  return object;
}

const json& member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) throw DriverError(fmt::format("the driver's answer has no '{}'", name));
  return *found;
}

template <class T>
T typed(const json& object, const char* name, const char* what) {
  const json& value = member(object, name);
  const auto wrong = [&] { return DriverError(fmt::format("the driver's '{}' is {}; it is {}", name, shown(value), what)); };
  if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) throw wrong();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) throw wrong();
  } else if constexpr (std::is_same_v<T, double>) {
    if (!value.is_number()) throw wrong();
  } else {
    if (!value.is_number_integer()) throw wrong();
  }
  return value.get<T>();
}

template <class T>
T optional(const json& object, const char* name, const char* what, T otherwise) {
  return object.contains(name) ? typed<T>(object, name, what) : otherwise;
}

std::vector<std::string> names(const json& object, const char* name, const std::vector<std::string_view>& known) {
  const json& list = member(object, name);
  std::string allowed;
  for (const std::string_view each : known) allowed += (allowed.empty() ? "" : ", ") + std::string(each);
  if (!list.is_array() || list.empty()) {
    throw DriverError(fmt::format("the driver's '{}' is {}; it is a list of some of {}", name, shown(list), allowed));
  }
  std::vector<std::string> given;
  for (const json& each : list) {
    if (!each.is_string() || std::ranges::find(known, each.get<std::string>()) == known.end()) {
      throw DriverError(fmt::format("the driver's '{}' has {}; there are {}", name, shown(each), allowed));
    }
    given.push_back(each.get<std::string>());
  }
  return given;
}

std::vector<std::string_view> strategy_names() {
  std::vector<std::string_view> names;
  for (const StrategyInfo& info : strategies()) names.push_back(info.name);
  return names;
}

json works_of(const std::vector<workloads::Work>& works, const workloads::RunContext& context) {
  json list = json::array();
  for (const workloads::Work& work : works) {
    const workloads::Workload& workload = *workloads::catalogue()[work.kind];
    int port = 0;
    if (workload.needs().echo_server) {
      port = work.resource < context.ports.size() ? context.ports[work.resource] : 0;
      if (port == 0) throw std::runtime_error(std::string(workload.name()) + ": no server runs for it");
    }
    if (is_user_code(workload.name())) {
      list.push_back(json::array({workload.name(), work.resource, 0, 0, 0, std::to_string(work.seed)}));
      continue;
    }
    list.push_back(json::array(
        {protocol_name(workload.name()), port, work.wait_ns, work.compute_units, work.bytes, std::to_string(work.seed)}));
  }
  return list;
}

// The question with `code`, as it is: parsed and written anew, an object among the inputs would lose the order of its keys.
std::string with_code(const json& question, const std::string& code) {
  std::string text = question.dump();
  text.back() = ',';
  return text + R"("code":)" + code + '}';
}

// A number, or its decimal digits, for a language whose own numbers do not have 64 bits.
template <class T>
T integer(const json& value, std::string_view what) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  } else if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  } else if (value.is_string()) {
    const auto& digits = value.get_ref<const std::string&>();
    T number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && end == digits.data() + digits.size() && !digits.empty()) return number;
  }
  throw DriverError(
      fmt::format("the driver's answer has {} as {}, which is an integer of {} bits", shown(value), what, 8 * sizeof(T)));
}

// One that is never negative.
template <class T>
void get(const json& object, const char* name, T& to) {
  to = integer<T>(member(object, name), name);
  if (std::cmp_less(to, 0)) throw DriverError(fmt::format("the driver's '{}' is {}; it is 0 or more", name, to));
}

TaskTrace task_from(const json& row) {
  constexpr std::size_t kNumbers = 13;
  if (!row.is_array() || row.size() != kNumbers) {
    throw DriverError(fmt::format("the driver's answer has {} as a task, which is a list of {} numbers", shown(row), kNumbers));
  }
  TaskTrace task;
  std::size_t next = 0;
  const auto take = [&]<class T>(T& to, std::string_view what) { to = integer<T>(row[next++], what); };
  take(task.submitted_ns, "a stamp");
  take(task.started_ns, "a stamp");
  take(task.finished_ns, "a stamp");
  take(task.pid, "a process id");
  take(task.tid, "a thread id");
  take(task.cpu_ns, "a CPU time");
  take(task.digest, "a digest");
  take(task.callback_started_ns, "a stamp");
  take(task.callback_finished_ns, "a stamp");
  take(task.callback_pid, "a process id");
  take(task.callback_tid, "a thread id");
  take(task.callback_cpu_ns, "a CPU time");
  take(task.callback_digest, "a digest");
  if (task.cpu_ns < 0 || task.callback_cpu_ns < 0) {
    throw DriverError(
        fmt::format("the driver's answer has a task that took a CPU for {} ns", std::min(task.cpu_ns, task.callback_cpu_ns)));
  }
  return task;
}

// Of an answer: thirteen numbers of twenty digits, quoted and spaced, and twice that.
std::size_t most_bytes_of_trace(std::size_t tasks) { return kMostBytesOfWords + tasks * 13 * 50; }

// What happened, happened between the question and the answer. Throws DriverError.
void expect_within(const Trace& trace, std::int64_t asked_ns, std::int64_t answered_ns) {
  for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
    const TaskTrace& task = trace.tasks[i];
    for (const std::int64_t stamp : {task.arrived_ns, task.submitted_ns, task.started_ns, task.finished_ns,
                                     task.callback_started_ns, task.callback_finished_ns}) {
      if (stamp == kNoStamp || (stamp >= asked_ns && stamp <= answered_ns)) continue;
      throw DriverError(
          fmt::format("the driver's answer has the stamp {} in task {}, which ran between {} and {} (CLOCK_MONOTONIC, ns)", stamp,
                      i, asked_ns, answered_ns));
    }
  }
}

}  // namespace

std::string shortened(std::string_view said) {
  return said.size() > 60 ? std::string(said.substr(0, 57)) + "..." : std::string(said);
}

std::span<const std::string_view> protocol_workloads() { return kWorkloads; }

std::string_view protocol_name(std::string_view workload) {
  if (workload.starts_with("mixed")) return "mixed";
  const auto found = std::ranges::find(kWorkloads, workload);
  return found == kWorkloads.end() ? std::string_view() : *found;
}

Description description_from(std::string_view answer) {
  const json object = object_of(answer);
  if (const auto protocol = typed<std::int64_t>(object, "protocol", "a number"); protocol != kProtocol) {
    throw DriverError(fmt::format("the driver speaks protocol {}; this program speaks {}", protocol, kProtocol));
  }
  Description driver;
  driver.name = typed<std::string>(object, "name", "a text");
  driver.language = typed<std::string>(object, "language", "a text");
  driver.version = typed<std::string>(object, "version", "a text");
  driver.executable = optional<std::string>(object, "executable", "a path", "");
  driver.strategies = names(object, "strategies", strategy_names());
  if (const auto skips = object.find("skips"); skips != object.end()) {
    if (!skips->is_object()) throw DriverError("the driver's 'skips' is no object of strategies and reasons");
    for (const auto& [strategy, reason] : skips->items()) {
      if (!reason.is_string()) throw DriverError(fmt::format("the driver's reason to skip '{}' is no text", strategy));
      driver.skips[strategy] = reason.get<std::string>();
    }
  }
  driver.workloads = names(object, "workloads", {kWorkloads.begin(), kWorkloads.end()});
  // What a callback of theirs does (Workload::callback).
  for (const auto& [workload, callback] : {std::pair("mixed", "spin"), std::pair("tcp_echo", "sleep")}) {
    const auto has = [&](const char* name) { return std::ranges::find(driver.workloads, name) != driver.workloads.end(); };
    if (has(workload) && !has(callback)) {
      throw DriverError(fmt::format("the driver's 'workloads' has {} without {}, which its callbacks are", workload, callback));
    }
  }
  driver.start_method = optional<std::string>(object, "start_method", "a text", "none");
  driver.one_lock = optional<bool>(object, "one_lock", "true or false", false);
  driver.event_loop = optional<bool>(object, "event_loop", "true or false", false);
  driver.attaches_late = optional<bool>(object, "attaches_late", "true or false", false);
  driver.arrivals = optional<bool>(object, "arrivals", "true or false", false);
  driver.user_code = optional<bool>(object, "user_code", "true or false", false);
  constexpr std::int64_t kMostWorkers = 1'000'000;
  const auto workers = optional<std::int64_t>(object, "workers", "a number", 0);
  if (workers < 0 || workers > kMostWorkers) {
    throw DriverError(
        fmt::format("the driver's 'workers' is {}; allowed: 0 (as many as asked for) to {}", workers, kMostWorkers));
  }
  driver.workers = static_cast<int>(workers);
  for (std::string* text : {&driver.name, &driver.language, &driver.version, &driver.start_method}) {
    std::ranges::replace_if(
        *text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    if (text->empty()) throw DriverError("the driver has an empty text for one of name, language, version, start_method");
  }
  return driver;
}

std::string run_question(const PreparedCell& prepared) {
  const Cell& cell = prepared.cell;
  json question = {{"command", "run"},
                   {"strategy", cell.strategy},
                   {"workers", cell.workers},
                   {"parsers", cell.parsers},
                   {"chunksize", cell.chunksize},
                   {"in_flight", cell.in_flight},
                   {"tasks", works_of(prepared.tasks, prepared.context)},
                   {"callbacks", works_of(prepared.callbacks, prepared.context)}};
  if (arrives(cell)) question["arrivals_ns"] = cell.arrivals_ns;
  return is_user_code(cell.workload) ? with_code(question, prepared.context.subject.python) : question.dump();
}

bool is_user_code(std::string_view workload) { return workload.starts_with("python"); }

Command for_user_code(Command command) {
  std::erase(command, "-I");
  return command;
}

std::string examine(const Command& command, const std::string& code, int most, std::chrono::nanoseconds budget,
                    std::chrono::nanoseconds deadline) {
  const json question = {{"command", "examine"},
                         {"most", most},
                         {"budget_ns", budget.count()},
                         {"deadline_ns", deadline.count()}};
  const auto within = std::chrono::duration_cast<std::chrono::milliseconds>(budget + 2 * deadline) + kAnswersWithin;
  return object_of(ask(for_user_code(command), with_code(question, code), kMostBytesOfWords, within)).dump();
}

std::string run_program(const Command& command, const std::string& program, const std::string& input,
                        const std::string& directory, std::chrono::nanoseconds deadline, const Stop& stop) {
  const json question = {{"command", "program"},
                         {"program", program},
                         {"input", input},
                         {"directory", directory},
                         {"deadline_ns", deadline.count()}};
  const auto within = std::chrono::duration_cast<std::chrono::milliseconds>(deadline) + kAnswersWithin;
  return object_of(ask(for_user_code(command), question.dump(), kMostBytesOfWords, within, stop)).dump();
}

Trace trace_from(std::string_view answer, std::span<const std::int64_t> arrivals_ns) {
  const json object = object_of(answer);
  Trace trace;
  const json& tasks = member(object, "tasks");
  if (!tasks.is_array()) throw DriverError(fmt::format("the driver's 'tasks' is {}; it is a list", shown(tasks)));
  trace.tasks.reserve(tasks.size());
  for (const json& row : tasks) trace.tasks.push_back(task_from(row));
  if (!arrivals_ns.empty()) {
    std::int64_t origin_ns = 0;
    get(object, "origin_ns", origin_ns);
    for (std::size_t i = 0; i < std::min(arrivals_ns.size(), trace.tasks.size()); ++i) {
      if (__builtin_add_overflow(origin_ns, arrivals_ns[i], &trace.tasks[i].arrived_ns))
        throw DriverError(fmt::format("the driver's 'origin_ns' is {}, so that tasks arrive after the end of time", origin_ns));
      trace.tasks[i].due_ns = trace.tasks[i].arrived_ns;
    }
  }
  get(object, "pool_start_ns", trace.pool_start_ns);
  get(object, "submit_ns", trace.submit_ns);
  get(object, "pool_stop_ns", trace.pool_stop_ns);
  get(object, "main_pid", trace.main_pid);
  get(object, "submitter_tid", trace.submitter_tid);
  const json used = object.value("resources", json::object());
  if (!used.is_object()) throw DriverError(fmt::format("the driver's 'resources' is {}; it is an object", shown(used)));
  const auto get_if_told = [&used](const char* name, std::int64_t& to) {
    if (used.contains(name)) get(used, name, to);
  };
  get_if_told("cpu_user_ns", trace.resources.cpu_user_ns);
  get_if_told("cpu_sys_ns", trace.resources.cpu_sys_ns);
  get_if_told("main_cpu_ns", trace.resources.main_cpu_ns);
  get_if_told("ctx_switches_voluntary", trace.resources.ctx_switches_voluntary);
  get_if_told("ctx_switches_involuntary", trace.resources.ctx_switches_involuntary);
  get_if_told("rss_peak_bytes", trace.resources.rss_peak_bytes);
  return trace;
}

std::string ask(const Command& command, std::string_view question, std::size_t most_bytes,
                std::optional<std::chrono::milliseconds> within, const Stop& stop) {
  DriverProcess driver(command);
  driver.tell(question);
  return driver.answer(most_bytes, within, stop);
}

Trace run_once(const Command& command, const PreparedCell& prepared, std::optional<std::chrono::milliseconds> within) {
  const std::int64_t asked_ns = workloads::monotonic_ns();
  Trace trace = trace_from(ask(command, run_question(prepared), most_bytes_of_trace(prepared.tasks.size()), within),
                           prepared.cell.arrivals_ns);
  expect_within(trace, asked_ns, workloads::monotonic_ns());
  return trace;
}

Description describe(const Command& command, std::chrono::milliseconds within) {
  return description_from(ask(command, kDescribeQuestion, kMostBytesOfWords, within));
}

double spin_rate(const Command& command, std::chrono::milliseconds within) {
  const std::string question = fmt::format(R"({{"command": "calibrate", "budget_ns": {}}})", kCalibrationBudgetNs);
  const json answer = object_of(ask(command, question, kMostBytesOfWords, within));
  const auto rate = typed<double>(answer, "spin_steps_per_ns", "a number above 0");
  if (!(rate > 0) || !std::isfinite(rate)) {
    throw DriverError(fmt::format("the driver's 'spin_steps_per_ns' is {}; it is a number above 0", rate));
  }
  return rate;
}

}  // namespace harness::drivers
