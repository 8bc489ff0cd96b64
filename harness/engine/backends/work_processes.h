#pragma once

// Pools of processes that run works: the workers of the process backend, the parsers of the strategy `extra`.

#include <string>

#include "pools/process_pool.h"
#include "workloads/work.h"

namespace harness {

// Options of a pool of `workers` processes, each of which enters `context` before its first task.
pools::ProcessPoolOptions work_processes(int workers, std::string name_prefix, const workloads::RunContext& context);

}  // namespace harness
