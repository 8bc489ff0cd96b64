#include "pools/src/future/pool_callbacks.h"

#include <utility>

#include "pools/src/base/own_thread.h"

namespace pools::detail {

void PoolCallbacks::open(const std::string& name, std::function<void()> prepare) {
  const Lock lock(mutex_);
  thread_ = std::make_unique<CallbackThread>(name, std::move(prepare));
}

void PoolCallbacks::start() {
  const Lock lock(mutex_);
  if (thread_) thread_->start();
}

// Outside the mutex: callbacks may submit and shut down.
void PoolCallbacks::drain() noexcept {
  CallbackThread* thread = nullptr;
  {
    const Lock lock(mutex_);
    thread = thread_.get();
  }
  if (thread != nullptr) thread->drain();
}

bool PoolCallbacks::is_this_thread() noexcept {
  const Lock lock(mutex_);
  return thread_ && thread_->is_this_thread();
}

void PoolCallbacks::deliver(StateRef state, bool here) noexcept {
  if (here) {
    const Lock lock(mutex_);
    if (thread_) return thread_->deliver(std::move(state));
  }
  state->run_delivered_callbacks();
}

void PoolCallbacks::close() {
  std::unique_ptr<CallbackThread> thread;  // destroyed, and with it joined, with no lock held
  {
    const Lock lock(mutex_);
    thread.swap(thread_);
  }
  if (thread && thread->is_this_thread()) {
    thread->stop();
    keep_until_this_thread_ends(std::move(thread));
  }
}

}  // namespace pools::detail
