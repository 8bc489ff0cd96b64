#include "pools/thread_pool.h"

#include <stdexcept>
#include <string>

#include "pools/affinity.h"
#include "pools/cores.h"

namespace pools {
namespace {

[[noreturn]] void refuse_workers(int workers) {
  throw std::invalid_argument("a thread pool needs at least 1 worker, not " + std::to_string(workers));
}

ThreadPoolOptions checked(ThreadPoolOptions options) {
  if (options.workers < 0) refuse_workers(options.workers);
  if (options.workers == 0) options.workers = usable_cores().count * 5;
  detail::check_cpus(options.cpus);
  return options;
}

ThreadPoolOptions with_workers(int workers) {
  if (workers < 1) refuse_workers(workers);
  ThreadPoolOptions options;
  options.workers = workers;
  return options;
}

}  // namespace

ThreadPool::ThreadPool(int workers) : ThreadPool(with_workers(workers)) {}
ThreadPool::ThreadPool(ThreadPoolOptions options)
    : core_(std::make_shared<detail::ThreadPoolCore>(checked(std::move(options)))) {}

void ThreadPool::resize(int workers) {
  if (workers < 1) refuse_workers(workers);
  core_->resize(workers);
}

void ThreadPool::check(const TaskOptions& options) {
  if (options.deadline && *options.deadline <= std::chrono::nanoseconds::zero()) {
    throw std::invalid_argument("a task's deadline must be above 0 ns, not " + std::to_string(options.deadline->count()));
  }
}

ThreadPool::~ThreadPool() {
  if (core_->process().is_this()) {
    detail::ThreadPoolCore::end(std::move(core_));
  } else {
    detail::keep_for_ever(core_);
  }
}

}  // namespace pools
