#include "pools/process_pool.h"

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>

#include "pools/cores.h"
#include "pools/src/base/affinity.h"
#include "pools/src/base/worker_count.h"
#include "pools/src/process/entry.h"
#include "pools/src/process/ipc/handshake.h"
#include "pools/src/process/os/guard.h"
#include "pools/src/process/options_check.h"
#include "pools/src/process/os/standard_descriptors.h"
#include "pools/src/process/process_pool_core.h"
#include "pools/src/process/worker_loop.h"

namespace pools {
namespace {

using detail::require;

std::atomic<bool> initialised{false};

int at_least_one(int workers) {
  if (workers < 1) throw std::invalid_argument("the number of workers must be at least 1, not " + std::to_string(workers));
  return workers;
}

ProcessPoolOptions checked(ProcessPoolOptions options) {
  detail::require_initialised("a ProcessPool starts this program again for its workers");
  if (options.workers.bounds()) {
    detail::check_bounds(*options.workers.bounds());
  } else {
    options.workers = at_least_one(options.workers ? *options.workers : usable_cores().count);
  }
  if (options.queue.when_full == WhenFull::caller_runs) {
    throw std::invalid_argument(
        "a process pool cannot let the caller run tasks: WhenFull::block and WhenFull::reject are allowed");
  }
  detail::require_sane_retries_and_deaths(options);
  require(options.kill_gap.count() >= 0, "the gap between SIGTERM and SIGKILL in ns", options.kill_gap.count(), "0 and more");
  require(options.output_patience.count() >= 0, "the patience with output that nobody takes in ns",
          options.output_patience.count(), "0 and more");
  require(options.grace.count() >= 0, "the grace of a worker that does nothing in ns", options.grace.count(), "0 and more");
  require(options.inner_threads.value_or(0) >= 0, "the number of inner threads", options.inner_threads.value_or(0),
          "0 (the environment stays as it is) and more");
  detail::check_cpus(options.cpus);
  detail::check_groups(options.groups);
  return options;
}

}  // namespace

void detail::require_initialised(const char* what) {
  if (initialised.load(std::memory_order_relaxed)) return;  // Relaxed: guards nothing
  throw NotInitialisedError(std::string(what) + ": call pools::init(argc, argv) first in main()");
}

void init(int& argc, char** argv) {
  detail::open_standard_descriptors();  // before the first descriptor of ours
  initialised.store(true, std::memory_order_relaxed);
  if (argc > 1 && std::strcmp(argv[1], detail::kWorkerArgument) == 0) detail::run_worker(argc, argv);
  if (argc > 1 && std::strcmp(argv[1], detail::kGuardArgument) == 0) detail::run_guard(argc, argv);
  detail::Entry::run_chosen(argc, argv);
}

ProcessPool::ProcessPool(int workers) : ProcessPool(ProcessPoolOptions{.workers = workers}) {}

ProcessPool::ProcessPool(ProcessPoolOptions options)
    : ProcessPool(std::make_shared<detail::ProcessPoolCore>(checked(std::move(options)))) {}

ProcessPool::ProcessPool(std::shared_ptr<detail::ProcessPoolCore> core)
    : RemoteExecutor(detail::TaskPoolRef(core, core->options().max_payload)), core_(std::move(core)) {
  core_->open();
}

void ProcessPool::shutdown(ShutdownOptions options) { core_->shutdown(options); }
void ProcessPool::start_all() { core_->start_all(); }
void ProcessPool::pause() { core_->pause(); }
void ProcessPool::resume() { core_->resume(); }
bool ProcessPool::paused() const { return core_->paused(); }
int ProcessPool::workers() const { return core_->workers(); }
PoolMetrics ProcessPool::metrics() const { return core_->metrics(); }
std::vector<pid_t> ProcessPool::worker_pids() const { return core_->worker_pids(); }

void ProcessPool::resize(int workers) { core_->resize(at_least_one(workers)); }
void ProcessPool::resize(Automatic) { core_->resize_automatically(); }

void ProcessPool::resize(const SelfSizing& bounds) {
  detail::check_bounds(bounds);
  core_->resize_itself(bounds);
}

ProcessPool::~ProcessPool() {
  if (!core_->process().is_this()) detail::keep_for_ever(core_);
  core_->close();
}

}  // namespace pools
