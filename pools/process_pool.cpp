#include "pools/process_pool.h"

#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string>

#include "pools/cores.h"
#include "pools/process/handshake.h"
#include "pools/process/worker_loop.h"

namespace pools {
namespace {

std::atomic<bool> initialised{false};

ProcessPoolOptions checked(ProcessPoolOptions options) {
  if (!initialised.load(std::memory_order_relaxed)) {   // Relaxed: guards nothing
    throw NotInitialisedError(
        "a ProcessPool starts this program again for its workers: call pools::init(argc, argv) first in main()");
  }
  if (options.workers == 0) options.workers = usable_cores().count;
  if (options.workers < 1) {
    throw std::invalid_argument("the number of workers must be at least 1, not " + std::to_string(options.workers));
  }
  return options;
}

std::shared_ptr<detail::ProcessPoolCore> make_core(ProcessPoolOptions options) {
  options = checked(std::move(options));
  return std::make_shared<detail::ProcessPoolCore>(options.workers, std::move(options.name_prefix), std::move(options.initializer));
}

int at_least_one(int workers) {
  if (workers < 1) throw std::invalid_argument("the number of workers must be at least 1, not " + std::to_string(workers));
  return workers;
}

}  // namespace

void init(int& argc, char** argv) {
  initialised.store(true, std::memory_order_relaxed);
  if (argc > 1 && std::strcmp(argv[1], detail::kWorkerArgument) == 0) detail::run_worker(argc, argv);
}

ProcessPool::ProcessPool(int workers) : ProcessPool(ProcessPoolOptions{.workers = at_least_one(workers)}) {}

ProcessPool::ProcessPool(ProcessPoolOptions options) : core_(make_core(std::move(options))) { core_->open(); }

ProcessPool::~ProcessPool() { core_->close(); }

}  // namespace pools
