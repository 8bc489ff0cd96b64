#include <benchmark/benchmark.h>

#include <string>

#include "pools/cores.h"
#include "pools/process_pool.h"

int main(int argc, char** argv) {
  pools::init(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const pools::UsableCores cores = pools::usable_cores();
  benchmark::AddCustomContext("usable_cores", std::to_string(cores.count) + ", by " + cores.decided_by);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
