#pragma once

// A line of the verdict: a label and what is said, hung behind it.

#include <fmt/core.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#include "harness/base/text.h"

namespace harness {

inline constexpr std::size_t kLabelColumns = 14;  // two blanks and the longest label, "by workers"

// REQUIRES: width > kLabelColumns.
inline void print_labelled(std::ostream& out, std::string_view label, const std::string& text, std::size_t width) {
  out << hang(fmt::format("  {:<{}} {}", label, kLabelColumns - 3, text), kLabelColumns, width);
}

}  // namespace harness
