#include "harness/recommend/python_work.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "harness/engine/drivers/protocol.h"
#include "harness/engine/own/python_names.h"

namespace harness::recommend {
namespace {

using Json = nlohmann::ordered_json;

// A row of an examination: wall, CPU of the thread, of the process, of its children; of a task the bytes of its result and the ns of pickling it.
constexpr std::size_t kWall = 0, kProcess = 2, kChildren = 3, kBytes = 4, kPickling = 5;

struct Sum {
  std::int64_t wall = 0;
  std::int64_t cpu = 0;
};

Sum row_of(const Json& row) {
  return {row.at(kWall), row.at(kProcess).get<std::int64_t>() + row.at(kChildren).get<std::int64_t>()};
}

std::int64_t mean_of(const Json& rows, std::size_t column) {
  std::int64_t sum = 0;
  for (const Json& row : rows) sum += row.at(column).get<std::int64_t>();
  return rows.empty() ? 0 : sum / static_cast<std::int64_t>(rows.size());
}

Seen read(const Json& answer, int cores) {
  Seen seen;
  Trace trace;  // as if the calls had been tasks of one worker
  std::int64_t now = 0;
  for (const Json& row : answer.at("tasks")) {
    const Sum sum = row_of(row);
    trace.tasks.push_back({.submitted_ns = 0, .started_ns = now, .finished_ns = now + sum.wall, .cpu_ns = sum.cpu});
    now += sum.wall;
  }
  seen.profile = profile_of({&trace}, cores);
  Sum callback;
  for (const Json& row : answer.at("callbacks")) {
    const Sum sum = row_of(row);
    callback.wall += sum.wall;
    callback.cpu += std::min(sum.cpu, sum.wall);
  }
  if (const auto count = static_cast<std::int64_t>(answer.at("callbacks").size()); count > 0) {
    // At least 1 ns, so that it counts as a callback.
    seen.callback = {.wait_ns = (callback.wall - callback.cpu) / count,
                     .compute_ns = std::max<std::int64_t>(1, callback.cpu / count)};
  }
  seen.is_async = answer.at("is_async");
  seen.callback_is_async = answer.value("callback_is_async", false);
  seen.unpicklable = answer.at("unpicklable");
  seen.import_ns = answer.at("import_ns");
  seen.memory_bytes = answer.at("memory_bytes");
  seen.bare_bytes = answer.at("bare_bytes");
  seen.result_bytes = mean_of(answer.at("tasks"), kBytes);
  seen.pickle_ns = mean_of(answer.at("tasks"), kPickling);
  seen.threads = answer.at("threads");
  seen.threads_started = answer.value("threads_started", 0);
  seen.variables = answer.at("variables").get<std::vector<std::string>>();
  seen.prints = answer.at("prints");
  return seen;
}

}  // namespace

std::string code_of(const PythonWork& work) {
  return own::python_code(work.function, work.callback, work.paths, work.inputs, work.environment);
}

Seen seen_from(const std::string& text, int cores) {
  const Json answer = Json::parse(text, nullptr, false);
  try {
    if (answer.contains("failure"))
      throw PythonError(answer.at("failure"), answer.at("traceback").get<std::vector<std::string>>());
    return read(answer, cores);
  } catch (const Json::exception& error) {
    throw ConfigError(std::string("what Python's driver says of the function makes no sense: ") + error.what());
  } catch (const std::invalid_argument& error) {
    throw ConfigError(std::string("what Python's driver says of the function makes no sense: ") + error.what());
  }
}

std::string examined(const PythonWork& work, const drivers::Command& driver, std::chrono::nanoseconds budget,
                     std::chrono::nanoseconds deadline, int most) {
  try {
    return drivers::examine(driver, code_of(work), most, budget, deadline);
  } catch (const drivers::DriverError& error) {
    throw ConfigError("Python's driver: " + std::string(error.what()));
  }
}

Seen examine(const PythonWork& work, const drivers::Command& driver, int cores, std::chrono::nanoseconds budget,
             std::chrono::nanoseconds deadline, int most) {
  return seen_from(examined(work, driver, budget, deadline, most), cores);
}

}  // namespace harness::recommend
