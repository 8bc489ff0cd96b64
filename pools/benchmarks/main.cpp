#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "pools/benchmarks/micro_benchmarks.h"
#include "pools/cores.h"
#include "pools/process_pool.h"

namespace {

// Takes --race_tasks=N, --race_seconds=S and --race_scale=X out of the arguments. Throws std::exception for what is no number.
pools::benchmarks::Effort take_effort(int& argc, char** argv) {
  pools::benchmarks::Effort effort;
  int kept = 1;
  for (int index = 1; index < argc; ++index) {
    const std::string argument = argv[index];
    const auto value = [&argument](std::string_view flag) {
      return argument.starts_with(flag) ? argument.substr(flag.size()) : std::string();
    };
    if (const std::string tasks = value("--race_tasks="); !tasks.empty()) {
      effort.tasks = std::stoll(tasks);
    } else if (const std::string seconds = value("--race_seconds="); !seconds.empty()) {
      effort.seconds = std::stod(seconds);
    } else if (const std::string scale = value("--race_scale="); !scale.empty()) {
      effort.scale = std::stod(scale);
    } else {
      argv[kept++] = argv[index];
    }
  }
  argc = kept;
  return effort;
}

}  // namespace

int main(int argc, char** argv) {
  pools::init(argc, argv);
  // As a program does that moves large payloads: memory that one echo freed is there for the next. The kernel takes longer to zero 1 MiB of
  // fresh pages than the pools to move it. For all contestants of this process alike.
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  try {
    pools::benchmarks::register_benchmarks(take_effort(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: --race_tasks, --race_seconds, --race_scale take a number: %s\n", argv[0], error.what());
    return 2;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const pools::UsableCores cores = pools::usable_cores();
  benchmark::AddCustomContext("usable_cores", std::to_string(cores.count) + ", by " + cores.decided_by);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
