#pragma once

// Integers of JSON documents, none of which becomes another number on its way. (The library converts any number to any other, and of a large
// double to an integer that is undefined.)
//
// Thread safety: pure functions.

#include <fmt/core.h>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace harness {

// Nothing if it is no integer, or beyond T.
template <std::integral T, class Json>
std::optional<T> integer_of(const Json& json) {
  const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.template get<std::uint64_t>())
                                              : json.is_number_integer() && std::in_range<T>(json.template get<std::int64_t>());
  if (!fits) return std::nullopt;
  return json.template get<T>();
}

// "an integer from 0 to 255"
template <std::integral T>
std::string range_of_integers() {
  return fmt::format("an integer from {} to {}", std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
}

}  // namespace harness
