#pragma once

// 128-bit integers: sums and products of nanoseconds that may pass 63 bits on the way.

#include <cstdint>
#include <limits>

namespace harness::model {

__extension__ typedef __int128 Wide;

// REQUIRES of both: a >= 0, b >= 1, the quotient fits.
inline std::int64_t ceil_div(Wide a, std::int64_t b) { return static_cast<std::int64_t>((a + b - 1) / b); }
inline std::int64_t nearest_div(Wide a, std::int64_t b) { return static_cast<std::int64_t>((a + b / 2) / b); }

// The value, or the nearest one that 64 bits hold.
inline std::int64_t saturated(Wide value) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  return value > kMost ? kMost : value < kLeast ? kLeast : static_cast<std::int64_t>(value);
}

}  // namespace harness::model
