#pragma once

// The half of the race that is between processes. CPython's and loky's executors run the same scenarios in
// scripts/poolbench/race/measure_python.py; here are ours, and the copy of memory that bounds an echo.

#include <string_view>
#include <vector>

#include "pools/benchmarks/peers/peer.h"

namespace pools::benchmarks {

struct ProcessPeer {
  std::string_view name;
  ExecutedBy executed_by = ExecutedBy::workers;
  std::vector<Run> runs;
};

const std::vector<ProcessPeer>& process_peers();

}  // namespace pools::benchmarks
