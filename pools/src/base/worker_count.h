#pragma once

// What a pool makes of the option `workers`.

#include <algorithm>
#include <stdexcept>
#include <string>

#include "pools/cores.h"
#include "pools/worker_count.h"

namespace pools::detail {

// Throws std::invalid_argument.
inline void check_bounds(const SelfSizing& bounds) {
  if (bounds.min < 1) {
    throw std::invalid_argument("a pool that sizes itself needs at least 1 worker: its min is " + std::to_string(bounds.min));
  }
  if (bounds.max < bounds.min) {
    throw std::invalid_argument("a pool that sizes itself has a max of " + std::to_string(bounds.max) + "; allowed: its min, " +
                                std::to_string(bounds.min) + ", and more");
  }
}

// With which a pool begins that sizes itself.
inline int first_size(const SelfSizing& bounds) { return std::clamp(pools::usable_cores().count, bounds.min, bounds.max); }
// REQUIRES: a number or bounds
inline int first_size(const WorkerCount& workers) { return workers.bounds() ? first_size(*workers.bounds()) : *workers; }

}  // namespace pools::detail
