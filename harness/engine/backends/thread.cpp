#include <utility>

#include "harness/engine/backends/library_executor.h"
#include "harness/engine/backends/pool_backend.h"
#include "pools/thread_pool.h"

namespace harness {
namespace {

class ThreadExecutor : public LibraryExecutor<pools::ThreadPool> {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::threads;
  static constexpr bool kCallerRuns = true;

  explicit ThreadExecutor(const ExecutorOptions& options) : LibraryExecutor(pool_options(options)) {}

  std::vector<pid_t> worker_processes() const { return {}; }

 private:
  static pools::ThreadPoolOptions pool_options(const ExecutorOptions& options) {
    pools::ThreadPoolOptions pool;
    pool.workers = options.workers;
    pool.name_prefix = "worker";
    pool.callbacks = options.callbacks == CallbacksOn::worker ? pools::CallbackOn::worker : pools::CallbackOn::callback_thread;
    pool.queue = options.queue;
    return pool;
  }
};

}  // namespace

const Backend& thread_backend() {
  static const PoolBackend<ThreadExecutor> kBackend("thread", "pools::ThreadPool: worker threads of one process");
  return kBackend;
}

}  // namespace harness
