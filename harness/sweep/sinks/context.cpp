#include "harness/sweep/sinks/context.h"

#include <fmt/core.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/errors.h"
#include "harness/base/json_integer.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"
#include "harness/plan/part.h"
#include "harness/sweep/sinks/file.h"

namespace harness {
namespace {

using Json = nlohmann::ordered_json;

// One table per object: the writer and the reader are both made from it.
template <class Object, class Archive>
void environment_members(Object& e, Archive&& member) {
  member("machine_id", e.machine_id);
  member("hostname", e.hostname);
  member("node", e.node);
  member("cpu_model", e.cpu_model);
  member("architecture", e.architecture);
  member("cpus_online", e.cpus_online);
  member("memory_bytes", e.memory_bytes);
  member("virtualisation", e.virtualisation);
  member("kernel", e.kernel);
  member("cores", e.cores);
  member("cores_decided_by", e.cores_decided_by);
  member("affinity_cores", e.affinity_cores);
  member("governor", e.governor);
  member("smt", e.smt);
  member("load1", e.load1);
  member("load5", e.load5);
  member("load15", e.load15);
  member("cpu_pressure_avg10", e.cpu_pressure_avg10);
  member("timer_slack_ns", e.timer_slack_ns);
  member("build_id", e.build_id);
  member("version", e.version);
  member("commit", e.commit);
  member("compiler", e.compiler);
  member("build_type", e.build_type);
  member("flags", e.flags);
  member("assertions", e.assertions);
  member("warnings", e.warnings);
}

template <class Object, class Archive>
void calibration_members(Object& c, Archive&& member) {
  member("spin_units_per_ns", c.spin_units_per_ns);
  member("sort_units_per_ns", c.sort_units_per_ns);
  member("hash_units_per_ns", c.hash_units_per_ns);
  member("json_units_per_ns", c.json_units_per_ns);
  member("html_units_per_ns", c.html_units_per_ns);
  member("sleep_lateness_ns", c.sleep_lateness_ns);
}

template <class Object, class Archive>
void context_members(Object& c, Archive&& member) {
  member("run_id", c.run_id);
  member("started_utc", c.started_utc);
  member("suite", c.suite);
  member("argv", c.argv);
  member("seed", c.seed);
  member("order", c.order);
}

template <class Object, class Archive>
void loop_members(Object& loop, Archive&& member) {
  member("wake_ns", loop.wake_ns);
  member("dispatch_ns", loop.dispatch_ns);
}

template <class Object, class Archive>
void hop_members(Object& hop, Archive&& member) {
  member("latency_ns", hop.latency_ns);
  member("task_ns", hop.task_ns);
  member("bytes_per_ns", hop.bytes_per_ns);
}

template <class Object, class Archive>
void clock_members(Object& clock, Archive&& member) {
  member("host", clock.host);
  member("offset_ns", clock.offset_ns);
  member("bound_ns", clock.bound_ns);
  member("round_trip_ns", clock.round_trip_ns);
}

template <class Object, class Archive>
void driver_members(Object& d, Archive&& member) {
  member("language", d.language);
  member("version", d.version);
  member("executable", d.executable);
  member("one_lock", d.one_lock);
  member("event_loop", d.event_loop);
  member("spin_units_per_ns", d.spin_units_per_ns);
}

// As earlier versions recorded the one Python of their two executors.
template <class Object, class Archive>
void python_members(Object& d, Archive&& member) {
  member("implementation", d.language);
  member("version", d.version);
  member("gil", d.one_lock);
  member("executable", d.executable);
  member("spin_units_per_ns", d.spin_units_per_ns);
}

auto writer(Json& json) {
  return [&json](const char* name, const auto& value) { json[name] = value; };
}

// Throws ConfigError.
template <class T>
T required_integer(const char* name, const Json& json) {
  const std::optional<T> value = integer_of<T>(json);
  if (!value)
    throw ConfigError(fmt::format("{} is {}; it is {}", name, json.dump(-1, ' ', false, Json::error_handler_t::replace),
                                  range_of_integers<T>()));
  return *value;
}

// Members that files of earlier versions do not have.
auto reader(const Json& json, std::vector<std::string_view> optional = {}) {
  return [&json, optional = std::move(optional)]<class T>(const char* name, T& value) {
    if (std::ranges::find(optional, name) != optional.end() && !json.contains(name)) return;
    if constexpr (std::integral<T> && !std::same_as<T, bool>) {
      value = required_integer<T>(name, json.at(name));
    } else {
      json.at(name).get_to(value);
    }
  };
}

// Throws ConfigError, and Json's own.
Part part_from(const Json& json) {
  Part part;
  const std::optional<PartKind> kind = find_part_kind(json.at("kind").get<std::string>());
  part.kind = kind.value_or(PartKind::shard);
  part.index = required_integer<int>("part.index", json.at("index"));
  part.count = required_integer<int>("part.count", json.at("count"));
  if (!kind || part.index < 1 || part.index > part.count) {
    throw ConfigError(fmt::format("part is {}; it is a shard or a replicate, one of 1 to count",
                                  json.dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  return part;
}

}  // namespace

std::filesystem::path context_path(const std::filesystem::path& run_directory, const std::string& run_id) {
  return run_directory / "context" / (run_id + ".json");
}

std::string machine_of(const Context& run) {
  const bool is_shard = run.part && run.part->kind == PartKind::shard;
  return is_shard ? run.environment.machine_id : run.environment.machine_id + " " + run.environment.node_name();
}

void write_context(const std::filesystem::path& run_directory, const Context& context) {
  Json json;
  context_members(context, writer(json));
  Json machine;
  environment_members(context.environment, writer(machine));
  json["machine_line"] = machine_line(context.environment);
  json["environment"] = std::move(machine);
  Json calibration;
  calibration_members(context.calibration, writer(calibration));
  json["calibration"] = std::move(calibration);
  for (const auto& [backend, record] : context.drivers) {
    Json driver;
    driver_members(record, writer(driver));
    json["drivers"][backend] = std::move(driver);
  }

  for (const auto& [key, costs] : context.calibration.loops) {
    Json loop;
    loop_members(costs, writer(loop));
    json["loops"][key.first][std::to_string(key.second)] = std::move(loop);
  }

  for (const auto& [backend, costs] : context.calibration.hops) hop_members(costs, writer(json["hops"][backend]));
  for (const auto& [backend, clocks] : context.clocks) {
    json["clocks"][backend] = Json::array();
    for (const HostClock& clock : clocks) clock_members(clock, writer(json["clocks"][backend].emplace_back()));
  }

  if (context.part) {
    const Part& part = *context.part;
    json["part"] = {{"sweep", context.sweep}, {"kind", to_string(part.kind)}, {"index", part.index}, {"count", part.count}};
  }

  const std::filesystem::path path = context_path(run_directory, context.run_id);
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) throw OutputError(fmt::format("cannot create '{}': {}", path.parent_path().string(), error.message()));
  // Bytes of the command line that are no UTF-8 are replaced: JSON cannot hold them.
  write_new_file(path, json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

Context read_context(const std::filesystem::path& file) {
  const std::string text = read_file(file, "context", kMostContextBytes);
  try {
    const Json json = Json::parse(text);
    Context context;
    context_members(context, reader(json));
    environment_members(context.environment, reader(json.at("environment"), {"node"}));
    calibration_members(context.calibration, reader(json.at("calibration"), {"sleep_lateness_ns"}));
    if (const auto python = json.find("python"); python != json.end()) {
      for (const char* const backend : {"cpython_thread", "cpython_process"}) {
        python_members(context.drivers[backend], reader(*python));
      }
    }
    if (const auto driven = json.find("drivers"); driven != json.end()) {
      for (const auto& [backend, driver] : driven->items()) driver_members(context.drivers[backend], reader(driver));
    }
    if (const auto loops = json.find("loops"); loops != json.end()) {
      for (const auto& [backend, by_threads] : loops->items()) {
        for (const auto& [threads, loop] : by_threads.items()) {
          const auto workers = static_cast<int>(parse_integer(threads, "a loop's threads", 1, std::numeric_limits<int>::max()));
          loop_members(context.calibration.loops[{backend, workers}], reader(loop));
        }
      }
    }
    if (const auto hops = json.find("hops"); hops != json.end()) {
      for (const auto& [backend, hop] : hops->items()) hop_members(context.calibration.hops[backend], reader(hop));
    }
    if (const auto clocks = json.find("clocks"); clocks != json.end()) {
      for (const auto& [backend, of_hosts] : clocks->items()) {
        for (const Json& clock : of_hosts) clock_members(context.clocks[backend].emplace_back(), reader(clock));
      }
    }
    if (const auto part = json.find("part"); part != json.end()) {
      context.part = part_from(*part);
      part->at("sweep").get_to(context.sweep);
    }
    drivers::add_to(context.calibration, context.drivers);
    return context;
  } catch (const std::exception& error) {
    throw ConfigError(fmt::format("'{}' is not a context file: {}", file.string(), error.what()));
  }
}

std::vector<Context> read_contexts(const std::filesystem::path& run_directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run_directory / "context", error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Context> contexts;
  for (const std::filesystem::path& file : files) contexts.push_back(read_context(file));
  return contexts;
}

}  // namespace harness
