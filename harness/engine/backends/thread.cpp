#include <utility>

#include "harness/engine/backends/pool_backend.h"
#include "pools/thread_pool.h"

namespace harness {
namespace {

class ThreadExecutor {
 public:
  static constexpr WorkersAre kWorkers = WorkersAre::threads;
  static constexpr bool kHasMap = true;

  explicit ThreadExecutor(const ExecutorOptions& options) : pool_(pool_options(options)) { pool_.start_all(); }

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

  std::vector<pid_t> worker_processes() const { return {}; }
  void shutdown() { pool_.shutdown(); }
  static int tasks_at_once(const Factors& factors) { return std::min(factors.workers, factors.tasks); }

 private:
  static pools::ThreadPoolOptions pool_options(const ExecutorOptions& options) {
    pools::ThreadPoolOptions pool;
    pool.workers = options.workers;
    pool.name_prefix = "worker";
    pool.callbacks = options.callbacks == CallbacksOn::worker ? pools::CallbackOn::worker : pools::CallbackOn::callback_thread;
    return pool;
  }

  pools::ThreadPool pool_;
};

}  // namespace

const Backend& thread_backend() {
  static const PoolBackend<ThreadExecutor> kBackend("thread", "pools::ThreadPool: worker threads of one process");
  return kBackend;
}

}  // namespace harness
