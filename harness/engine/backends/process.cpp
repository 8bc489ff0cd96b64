#include <utility>

#include "harness/engine/backends/pool_backend.h"
#include "harness/engine/backends/work_processes.h"
#include "pools/process_pool.h"

namespace harness {
namespace {

// Callbacks run on the pool's callback thread in the main process whatever the strategy asks: there is no future in a
// worker process.
class ProcessExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::processes;
  static constexpr bool kHasMap = true;

  explicit ProcessExecutor(const ExecutorOptions& options) : pool_(work_processes(options.workers, "worker", options.context)) {
    pool_.start_all();
  }

  template <auto Fn, class... Args>
  auto submit(Args&&... args) {
    return pool_.template submit<Fn>(std::forward<Args>(args)...);
  }
  template <auto Fn, class Callback, class... Args>
  void submit_with_callback(Callback&& callback, Args&&... args) {
    pool_.template submit_with_callback<Fn>(std::forward<Callback>(callback), std::forward<Args>(args)...);
  }
  template <auto Fn, class Range>
  auto map(const Range& items, int chunksize) {
    return pool_.template map<Fn>(items, pools::MapOptions{.chunksize = chunksize});
  }

  std::vector<pid_t> worker_processes() const { return pool_.worker_pids(); }
  void shutdown() { pool_.shutdown(); }
  static int tasks_at_once(const Factors& factors) { return std::min(factors.workers, factors.tasks); }

 private:
  pools::ProcessPool pool_;
};

}  // namespace

const Backend& process_backend() {
  static const PoolBackend<ProcessExecutor> kBackend("process", "pools::ProcessPool: worker processes");
  return kBackend;
}

}  // namespace harness
