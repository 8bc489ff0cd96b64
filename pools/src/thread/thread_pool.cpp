#include "pools/thread_pool.h"

#include <stdexcept>
#include <string>

#include "pools/cores.h"
#include "pools/src/base/affinity.h"
#include "pools/src/base/worker_count.h"
#include "pools/src/thread/thread_pool_core.h"

namespace pools {
namespace {

[[noreturn]] void refuse_workers(int workers) {
  throw std::invalid_argument("a thread pool needs at least 1 worker, not " + std::to_string(workers));
}

ThreadPoolOptions checked(ThreadPoolOptions options) {
  if (options.workers.bounds()) {
    detail::check_bounds(*options.workers.bounds());
  } else if (!options.workers)
    options.workers = usable_cores().count * detail::ThreadPoolCore::kWorkersPerCore;
  if (options.workers && *options.workers < 1) refuse_workers(*options.workers);
  detail::check_cpus(options.cpus);
  detail::check_groups(options.groups);
  return options;
}

ThreadPoolOptions with_workers(int workers) {
  ThreadPoolOptions options;
  options.workers = workers;
  return options;
}

}  // namespace

detail::ThreadPoolRef::ThreadPoolRef(std::shared_ptr<ThreadPoolCore> core) noexcept
    : core_(std::move(core)), sink_(core_->sink()) {}

ThreadPool::ThreadPool(int workers) : ThreadPool(with_workers(workers)) {}
ThreadPool::ThreadPool(ThreadPoolOptions options) : core_(std::make_shared<detail::ThreadPoolCore>(checked(std::move(options)))) {
  core_->open();
}

void ThreadPool::shutdown(ShutdownOptions options) { core_->shutdown(options); }
void ThreadPool::start_all() { core_->start_all(); }
void ThreadPool::pause() { core_->pause(); }
void ThreadPool::resume() { core_->resume(); }
bool ThreadPool::paused() const noexcept { return core_->paused(); }
int ThreadPool::workers() const { return core_->workers(); }
PoolMetrics ThreadPool::metrics() const { return core_->metrics(); }

void ThreadPool::resize(int workers) {
  if (workers < 1) refuse_workers(workers);
  core_->resize(workers);
}

void ThreadPool::resize(Automatic) { core_->resize_automatically(); }

void ThreadPool::resize(const SelfSizing& bounds) {
  detail::check_bounds(bounds);
  core_->resize_itself(bounds);
}

void ThreadPool::check(const TaskOptions& options) const {
  if (!options.group.empty()) core_->find_group(options.group);
  if (options.start_by && *options.start_by <= std::chrono::nanoseconds::zero()) {
    throw std::invalid_argument("start_by must be above 0 ns, not " + std::to_string(options.start_by->count()));
  }
}

ThreadPool::~ThreadPool() {
  if (core_->process().is_this()) {
    detail::ThreadPoolCore::end(core_.share());  // a copy: tasks that it waits for may use the pool until they end
  } else {
    detail::keep_for_ever(core_.share());
  }
}

}  // namespace pools
