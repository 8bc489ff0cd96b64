#include "pools/src/base/backoff.h"

#include <sched.h>

#include <ctime>

namespace pools::detail {
namespace {

std::int64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

thread_local std::int64_t crowded_until = 0;
thread_local int long_yields = 0;  // one after the other

}  // namespace

bool Backoff::yield_once() noexcept {
  if (left_ <= 0) return false;
  const std::int64_t before = monotonic_ns();
  if (before < crowded_until) {
    left_ = 0;
    return false;
  }
  --left_;
  ::sched_yield();
  const std::int64_t after = monotonic_ns();
  if (after - before < kLongYield) {
    long_yields = 0;
  } else if (++long_yields == kCrowd) {
    long_yields = 0;
    left_ = 0;  // one more look, and then to sleep
    crowded_until = after + kCrowded;
  }
  return true;
}

}  // namespace pools::detail
