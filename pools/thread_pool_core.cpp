#include "pools/thread_pool_core.h"

#include <system_error>
#include <utility>

#include "pools/thread_name.h"

namespace pools::detail {
namespace {

struct ThisThread {
  const ThreadPoolCore* pool = nullptr;
  Worker* worker = nullptr;
};
thread_local ThisThread this_thread;

}  // namespace

ThreadPoolCore::ThreadPoolCore(ThreadPoolOptions options)
    : options_(std::move(options)),
      dispatch_(options_.workers),
      callback_thread_(options_.callbacks == CallbackOn::callback_thread
                           ? std::make_unique<CallbackThread>(options_.name_prefix + "_cb", options_.initializer)
                           : nullptr) {
  threads_.reserve(static_cast<std::size_t>(options_.workers));
}

ThreadPoolCore::~ThreadPoolCore() = default;

CallbackSink* ThreadPoolCore::sink() noexcept {
  if (callback_thread_) return callback_thread_.get();
  return &inline_sink_;
}

void ThreadPoolCore::InlineSink::deliver(StateRef state) noexcept {
  // While it runs callbacks the worker is as good as busy: a job that is queued meanwhile may need another one.
  if (this_thread.pool == &core_ && this_thread.worker->busy_again()) {
    try {
      core_.start_needed();
    } catch (const std::system_error&) {
      report_error("starting a worker", std::current_exception());
    }
  }
  state->run_delivered_callbacks();
}

void ThreadPoolCore::refuse() const {
  const std::lock_guard lock(mutex_);
  if (broken_) std::rethrow_exception(broken_);
  throw ShutdownError();
}

void ThreadPoolCore::enqueue(Job* job) {
  switch (dispatch_.push(job)) {
    case Dispatch::Pushed::queued:
      return;
    case Dispatch::Pushed::refused:
      refuse();
    case Dispatch::Pushed::queued_needs_worker:
      try {
        start_needed();
      } catch (const std::system_error&) {
        if (dispatch_.withdraw(job)) throw;
      }
  }
}

void ThreadPoolCore::start_needed() {
  const std::lock_guard lock(mutex_);
  while (dispatch_.reserve_worker(true)) {
    try {
      start_reserved_locked();
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
      report_error("starting a worker", std::current_exception());
      return;
    }
  }
}

void ThreadPoolCore::start_reserved_locked() {
  try {
    auto thread = std::make_unique<Thread>(dispatch_);
    const int number = static_cast<int>(threads_.size());
    thread->thread = std::thread([this, &worker = thread->worker, number] { work(worker, number); });
    threads_.push_back(std::move(thread));   // reserved: does not throw
  } catch (...) {
    dispatch_.start_failed();
    throw;
  }
  if (threads_.size() == static_cast<std::size_t>(options_.workers)) dispatch_.all_started();
}

void ThreadPoolCore::fail_all(const std::exception_ptr& error) noexcept {
  for (Job* job = dispatch_.take_all(); job != nullptr;) std::exchange(job, job->next)->fail(error);
}

bool ThreadPoolCore::initialize() noexcept {
  if (!options_.initializer) return true;
  std::exception_ptr broken;
  try {
    options_.initializer();
    return true;
  } catch (const std::exception& error) {
    broken = std::make_exception_ptr(BrokenPoolError(std::string("the pool is broken: its initializer threw: ") + error.what()));
  } catch (...) {
    broken = std::make_exception_ptr(BrokenPoolError("the pool is broken: its initializer threw no std::exception"));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!broken_) broken_ = broken;
  }
  dispatch_.close();
  fail_all(broken);
  return false;
}

void ThreadPoolCore::work(Worker& self, int number) {
  this_thread = {.pool = this, .worker = &self};
  name_this_thread(options_.name_prefix, std::string(1, '_').append(std::to_string(number)));
  const bool initialized = initialize();
  // Release: start_all() returns after the initializers' effects.
  ready_.fetch_add(1, std::memory_order_release);
  futex_wake_all(ready_);
  if (!initialized) return;
  while (Job* const job = dispatch_.next(self)) job->run(self);
}

void ThreadPoolCore::shutdown(const ShutdownOptions& options) {
  if (options.wait && this_thread.pool == this) {
    throw Error("shutdown(wait) was called from a worker of the pool '" + options_.name_prefix + "': it would wait for itself");
  }
  dispatch_.close();
  if (options.cancel_futures) {
    for (Job* job = dispatch_.take_all(); job != nullptr;) std::exchange(job, job->next)->cancel();
  }
  if (!options.wait) return;
  join_all();
  if (callback_thread_) callback_thread_->drain();
}

void ThreadPoolCore::join_all() {
  // A submit that was let in before the pool closed may still be on its way to starting its worker: do it here.
  try {
    start_needed();
  } catch (const std::system_error&) {
    fail_all(std::current_exception());   // queued, no worker, and none to be had
  }
  const std::lock_guard join_lock(join_mutex_);
  for (std::size_t index = 0;; ++index) {
    std::thread* thread = nullptr;
    {
      // Workers start workers, but each before its own end: once all have been joined there are no new ones.
      const std::lock_guard lock(mutex_);
      if (index == threads_.size()) return;
      thread = &threads_[index]->thread;
    }
    if (thread->joinable()) thread->join();
  }
}

void ThreadPoolCore::start_all() {
  std::uint32_t expected = 0;
  {
    const std::lock_guard lock(mutex_);
    while (!broken_ && dispatch_.reserve_worker(false)) start_reserved_locked();
    expected = static_cast<std::uint32_t>(threads_.size());
  }
  for (std::uint32_t ready = 0; (ready = ready_.load(std::memory_order_acquire)) < expected;) futex_wait(ready_, ready);
  {
    const std::lock_guard lock(mutex_);
    if (broken_) std::rethrow_exception(broken_);
  }
  if (callback_thread_) callback_thread_->start();
}

}  // namespace pools::detail
