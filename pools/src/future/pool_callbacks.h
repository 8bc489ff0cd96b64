#pragma once

// The callback thread of a pool of processes, from the pool's opening to its end: its futures may outlive it.

#include <functional>
#include <memory>
#include <string>

#include "pools/src/base/mutex.h"
#include "pools/src/future/callback_thread.h"

namespace pools::detail {

// Thread-safe.
class PoolCallbacks {
 public:
  // `prepare` runs first on its thread. Throws std::bad_alloc.
  void open(const std::string& name, std::function<void()> prepare = {});
  // Before open() and after close() these do nothing.
  void start() EXCLUDES(mutex_);  // as CallbackThread::start()
  void drain() noexcept EXCLUDES(mutex_);
  bool is_this_thread() noexcept EXCLUDES(mutex_);
  // After the end, and in a fork (`here` false), only a then_in future is completed, with an error; there is no thread for its callbacks.
  void deliver(StateRef state, bool here) noexcept EXCLUDES(mutex_);
  // Drains it. On the thread itself it ends when this thread does.
  void close() EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  std::unique_ptr<CallbackThread> thread_ GUARDED_BY(mutex_);  // none before open() and after close()
};

}  // namespace pools::detail
