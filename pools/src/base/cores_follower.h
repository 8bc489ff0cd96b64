#pragma once

// The thread of a pool that looks each second how many cores this process may use. It is there only while the pool is to follow them: nothing
// else tells of a quota or a mask that has changed.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "pools/src/base/mutex.h"

namespace pools::detail {

// Thread-safe.
class CoresFollower {
 public:
  // `changed` is called on the thread with the new number; what it throws is tried again at the next look, but ShutdownError and
  // BrokenPoolError end the thread.
  CoresFollower(std::string name, std::function<void(int)> changed) : name_(std::move(name)), changed_(std::move(changed)) {}
  ~CoresFollower();
  CoresFollower(const CoresFollower&) = delete;
  CoresFollower& operator=(const CoresFollower&) = delete;

  // From now on, of cores that were `cores`; instead of what it followed before. Throws std::system_error.
  void start(int cores);
  // `changed` is not called any more, and the thread has ended, when this returns; but on the thread itself it ends soon. Idempotent.
  void stop() noexcept;

  // For tests: how many there are, and how often that is looked at.
  std::function<int()> count = {};  // empty: usable_cores()
  std::chrono::nanoseconds period = std::chrono::seconds(1);

 private:
  // The thread's, which may outlive this.
  struct Following {
    std::function<void(int)> changed;
    std::function<int()> count;
    std::chrono::nanoseconds period;
    std::string name;
    int cores = 0;
    std::atomic<std::uint32_t> stopped{0};  // the thread sleeps on it; 1: it ends
  };
  static void run(Following& following) noexcept;
  void stop_locked() noexcept REQUIRES(mutex_);

  const std::string name_;
  const std::function<void(int)> changed_;
  Mutex mutex_;
  std::thread thread_ GUARDED_BY(mutex_);
  std::shared_ptr<Following> following_ GUARDED_BY(mutex_);
};

}  // namespace pools::detail
