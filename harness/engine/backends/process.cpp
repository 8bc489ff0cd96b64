#include <utility>

#include "harness/engine/backends/library_executor.h"
#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/backends/work_processes.h"
#include "pools/process_pool.h"

namespace harness {
namespace {

// Callbacks run on the pool's callback thread in the main process whatever the strategy asks: there is no future in a
// worker process.
class ProcessExecutor : public LibraryExecutor<pools::ProcessPool> {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::processes;

  explicit ProcessExecutor(const ExecutorOptions& options) : LibraryExecutor(pool_options(options)) {}

  std::vector<pid_t> worker_processes() const { return pool_.worker_pids(); }

 private:
  static pools::ProcessPoolOptions pool_options(const ExecutorOptions& options) {
    pools::ProcessPoolOptions pool = work_processes(options.workers, "worker", options.context);
    pool.queue = options.queue;
    return pool;
  }
};

}  // namespace

const Backend& process_backend() {
  static const PoolBackend<ProcessExecutor> kBackend("process", "pools::ProcessPool: worker processes");
  return kBackend;
}

}  // namespace harness
