// How long a task whose worker died waits for its next try.
#pragma once

#include <algorithm>
#include <chrono>

#include "pools/options.h"

namespace pools::detail {

// The back-off after the first death, twice as long after each further one, at most max_backoff. `deaths` >= 1.
inline std::chrono::nanoseconds retry_delay(const RetryPolicy& retry, int deaths) noexcept {
  std::chrono::nanoseconds delay = retry.backoff;
  for (int death = 1; death < deaths && delay < retry.max_backoff; ++death) {
    delay = delay > retry.max_backoff / 2 ? retry.max_backoff : 2 * delay;  // no product overflows
  }
  return std::min(delay, retry.max_backoff);
}

}  // namespace pools::detail
