#include "harness/engine/backends/cpython.h"

#include <initializer_list>
#include <mutex>
#include <utility>

#include "harness/base/errors.h"
#include "harness/engine/drivers/programs.h"
#include "harness/engine/strategies/executor.h"

namespace harness {
namespace {

using drivers::Command;
using drivers::Description;
using drivers::DriverBackend;

// Isolated: no PYTHON* variable and no user's package changes what is measured. No bytecode: the tree may be somebody else's.
Command driver_on(const std::filesystem::path& python, const std::string& executor) {
  return {python.string(), "-I", "-B", drivers::require_script("cpython/driver.py").string(), executor};
}

// Throws ConfigError naming what is missing.
Command driver_of(const std::optional<std::filesystem::path>& given, const std::string& executor) {
  const auto python = given ? given : python_on_path();
  if (!python) throw ConfigError("CPython's executors need python3, and there is none on the PATH");
  return driver_on(*python, executor);
}

std::mutex behind_mutex;
std::optional<std::filesystem::path> behind_the_path;  // guarded by behind_mutex; nothing: not looked for yet, or no shim

const std::vector<std::string> kCaller{"none", "extra", "fused", "sync", "collect", "as_completed"};

std::vector<std::string> caller_and(std::initializer_list<std::string> more) {
  std::vector<std::string> all = kCaller;
  all.insert(all.end(), more);
  return all;
}

Description threads() {
  return {.name = "CPython's ThreadPoolExecutor",
          .strategies = caller_and({"worker", "map"}),
          .skips = {{"main",
                     "a done callback runs in the worker thread (worker); the caller parses in collect and as_completed"}},
          .attaches_late = true};
}

Description processes(const std::string& start_method) {
  return {.name = "CPython's ProcessPoolExecutor",
          .strategies = caller_and({"main", "map"}),
          .skips = {{"worker", "a done callback runs in the main process (main); what a worker process parses is fused"}},
          .start_method = start_method,
          .attaches_late = true};
}

Description event_loop(const std::string& name) {
  return {.name = name,
          .strategies = caller_and({"worker", "main"}),
          .skips = {{"map", std::string(kNoChunksOnLoops)}},
          .event_loop = true,
          .workers = 1};
}

Description to_thread() {
  return {.name = "CPython's asyncio.to_thread",
          .strategies = caller_and({"main"}),
          .skips = {{"worker", "what follows an await runs on the loop's thread (main); what a worker parses is fused"},
                    {"map", "the executor has no map"}}};
}

Description cluster(const std::string& name) {
  return {.name = name,
          .strategies = caller_and({"main"}),
          .skips = {{"worker", "a done callback runs in the main process (main); what a worker process parses is fused"},
                    {"map", "its map sends every task by itself"}},
          .start_method = "spawn",
          .attaches_late = true};
}

struct PythonExecutor {
  std::string executor;  // as driver.py knows it
  Description (*describe)();
  std::string prefix = "cpython_";  // of the backend's name
  bool optional = false;            // a Python may lack it, and says so
};

std::vector<std::unique_ptr<DriverBackend>> make(const std::optional<std::filesystem::path>& python, const std::string& suffix) {
  // A registration is a line.
  // clang-format off
  const std::vector<PythonExecutor> all{
      {"thread", threads},
      {"process", [] { return processes("fork"); }},
      {"process_spawn", [] { return processes("spawn"); }},
      {"process_forkserver", [] { return processes("forkserver"); }},
      {"asyncio", [] { return event_loop("CPython's asyncio"); }},
      {"to_thread", to_thread, "cpython_", true},
      {"gevent", [] { return event_loop("gevent"); }, "", true},
      {"dask", [] { return cluster("dask.distributed on this machine"); }, "", true},
      {"mpi4py", [] { return cluster("mpi4py's MPIPoolExecutor on this machine"); }, "", true},
  };
  // clang-format on
  std::vector<std::unique_ptr<DriverBackend>> made;
  for (const PythonExecutor& registered : all) {
    Description known = registered.describe();
    if (registered.executor.starts_with("process_")) known.name += " by " + known.start_method;
    known.user_code = known.arrivals = true;
    if (known.event_loop) known.name = "an event loop: " + known.name;
    known.name += python ? ", of " + python->string() : ", of the python3 on the PATH";
    known.workloads.assign(drivers::protocol_workloads().begin(), drivers::protocol_workloads().end());
    const auto start = [python, executor = registered.executor] { return driver_of(python, executor); };
    const auto missing = [start]() -> std::string {
      try {
        drivers::describe(start());
      } catch (const drivers::DriverError& error) {
        return error.what();
      } catch (const ConfigError&) {
        // No Python at all is no reason to skip: require() says so.
      }
      return {};
    };
    made.push_back(std::make_unique<DriverBackend>(registered.prefix + registered.executor + suffix, std::move(known), start,
                                                   registered.optional ? missing : std::function<std::string()>()));
  }
  return made;
}

}  // namespace

std::optional<std::filesystem::path> python_on_path() {
  const std::lock_guard lock(behind_mutex);
  if (behind_the_path) return behind_the_path;
  auto found = drivers::find_program("python3");
  if (!found || !drivers::is_shim(*found)) return found;
  try {
    const std::string executable = drivers::describe(driver_on(*found, "thread")).executable;
    behind_the_path = executable.empty() ? *found : std::filesystem::path(executable);
  } catch (const drivers::DriverError&) {
    return found;  // who starts it hears of it
  }
  return behind_the_path;
}

void set_python_on_path(std::filesystem::path python) {
  const std::lock_guard lock(behind_mutex);
  behind_the_path = std::move(python);
}

std::span<const DriverBackend* const> cpython_backends() {
  static const std::vector<std::unique_ptr<DriverBackend>> kMade = make(std::nullopt, "");
  static const std::vector<const DriverBackend*> kAll = [] {
    std::vector<const DriverBackend*> all;
    for (const auto& backend : kMade) all.push_back(backend.get());
    return all;
  }();
  return kAll;
}

std::vector<std::unique_ptr<DriverBackend>> cpython_backends_of(const std::filesystem::path& python, const std::string& suffix) {
  return make(python, suffix);
}

}  // namespace harness
