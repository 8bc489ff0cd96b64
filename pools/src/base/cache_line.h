#pragma once

// What cores exchange memory by. Two words that different threads write are kept on two lines, or each write takes the other's away.

#include <cstddef>

namespace pools::detail {

// Not std::hardware_destructive_interference_size: that may change with compiler options, and layouts with it.
inline constexpr std::size_t kCacheLine = 64;

}  // namespace pools::detail
