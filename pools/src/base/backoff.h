#pragma once

// A back-off: a thread with nothing to do yields its core between looks for work, and after some of them sleeps.

#include <cstdint>

namespace pools::detail {

// Each look but the first is preceded by a yield: whoever has work then usually gets the core and is done before it would have to wake
// anybody. A yield costs a third of a microsecond when nobody else wants the core, sleeping and being woken on another core 30; and unlike
// spinning it costs nobody else anything. But where others compute, a yield takes as long as the scheduler lets them, some milliseconds,
// while it brings back a sleeper that is woken almost at once: a few yields of that kind in a row, and this thread sleeps straight away
// for a while. (One alone may have given the core to a worker or a submitter of this very pool.)
class Backoff {
 public:
  explicit Backoff(int yields = kYields) noexcept : yields_(yields) {}
  // Yields. False, without a yield: it is time to sleep.
  bool yield_once() noexcept;
  void renew() noexcept { left_ = yields_; }

 private:
  static constexpr int kYields = 50;
  static constexpr std::int64_t kLongYield = 1'000'000;  // ns; who computes is left alone for a tick, 1 to 4 ms
  static constexpr int kCrowd = 3;                       // so many in a row mean that others compute
  static constexpr std::int64_t kCrowded = 100'000'000;  // ns from then on in which this thread does not yield

  int yields_;
  int left_ = yields_;
};

}  // namespace pools::detail
