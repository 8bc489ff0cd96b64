#include "harness/engine/backends/work_processes.h"

#include <utility>

#include "harness/engine/strategies/work_functions.h"

namespace harness {

pools::ProcessPoolOptions work_processes(int workers, std::string name_prefix, const workloads::RunContext& context) {
  pools::ProcessPoolOptions options;
  options.workers = workers;
  options.name_prefix = std::move(name_prefix);
  options.initializer = pools::remote<&enter_measured_process>(context);
  options.inner_threads = 0;  // a command or a function of the user's finds the same environment as on threads
  return options;
}

}  // namespace harness
