// A one-shot timer as a descriptor for epoll, which costs nothing while it is not armed.
#pragma once

#include <sys/timerfd.h>

#include <chrono>

#include "pools/src/process/os/file_descriptor.h"

namespace pools::detail {

// Not thread-safe: who arms and who disarms it share a mutex.
class WatchTimer {
 public:
  WatchTimer() noexcept : descriptor_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {}

  // -1 if it could not be made; errno says why. Readable from when the timer runs out until it is armed or disarmed.
  int descriptor() const noexcept { return descriptor_.get(); }

  void arm(std::chrono::nanoseconds after) noexcept {  // more than 0
    set(after);
    armed_ = true;
  }
  void disarm() noexcept {
    if (armed_) set({});
    armed_ = false;
  }
  void close() noexcept { descriptor_.reset(); }

 private:
  // Fails for no descriptor that is open and no time that is in range.
  void set(std::chrono::nanoseconds after) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after);
    const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = seconds.count(), .tv_nsec = (after - seconds).count()}};
    ::timerfd_settime(descriptor_.get(), 0, &once, nullptr);
  }

  FileDescriptor descriptor_;
  bool armed_ = false;
};

}  // namespace pools::detail
