#pragma once

// The one thread on which a pool runs its callbacks: one at a time, in the order in which the futures were completed. It does
// nothing else, so a slow callback delays other callbacks and never a task.

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "pools/detail/futex.h"
#include "pools/detail/future_state.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/mutex.h"
#include "pools/src/future/delivery_queue.h"

namespace pools::detail {

// Thread-safe. The thread starts with the first delivery (or start()) and ends with the object.
class CallbackThread final : public CallbackSink {
 public:
  // `name` is the thread's, cut to 15 characters. `prepare` runs on it first; if it throws, that is reported to the error hook
  // and callbacks run all the same.
  explicit CallbackThread(std::string name, std::function<void()> prepare = {});
  // Drains; on the thread itself, where it is the last that happens, it does not.
  ~CallbackThread();
  CallbackThread(const CallbackThread&) = delete;
  CallbackThread& operator=(const CallbackThread&) = delete;

  void start();  // returns when the thread is ready. Throws std::system_error when it cannot be started.
  // If the thread is not running and cannot be started, the callbacks run in the caller, which is reported to the error hook.
  void deliver(StateRef state) noexcept override;
  // Returns when everything delivered so far has been run; at once on the thread itself.
  void drain() noexcept;
  // The thread ends when everything delivered has been run. REQUIRES: no delivery after it
  void stop() noexcept;
  bool is_this_thread() const noexcept;

 private:
  void run();
  void ensure_thread() EXCLUDES(start_mutex_);

  const std::string name_;
  const std::function<void()> prepare_;

  Mutex start_mutex_;
  std::thread thread_ GUARDED_BY(start_mutex_);
  std::atomic<bool> started_{false};     // set under start_mutex_, and never reset
  std::atomic<std::uint32_t> ready_{0};  // start() sleeps on it

  alignas(kCacheLine) AdaptiveMutex mutex_;
  DeliveryQueue queue_ GUARDED_BY(mutex_);
  std::uint32_t delivered_ GUARDED_BY(mutex_) = 0;  // wraps; only differences count
  bool stopping_ GUARDED_BY(mutex_) = false;
  // Invariant: when the thread sleeps, or is about to, sleeping_ is set and the queue is empty; who changes that clears the flag
  // and owes the wake-up.
  bool sleeping_ GUARDED_BY(mutex_) = false;

  // The thread's side.
  alignas(kCacheLine) Parker parker_;
  // Deliveries run, wraps. drain() sleeps on it; the thread wakes only if told that somebody does.
  std::atomic<std::uint32_t> completed_{0};
  std::atomic<std::uint32_t> drainers_{0};
};

}  // namespace pools::detail
