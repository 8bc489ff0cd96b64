#pragma once

// A line of the verdict: a label and what is said, hung behind it.

#include <fmt/core.h>

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "harness/base/look.h"
#include "harness/base/text.h"

namespace harness {

inline constexpr std::size_t kLabelColumns = 14;  // two blanks and the longest label, "by workers"

// What a label is painted as; most are as they are.
inline std::optional<Paint> paint_of_label(std::string_view label) {
  if (label == "best" || label == "holds") return Paint::good;
  if (label == "failed" || label == "disturbed" || label == "refuted") return Paint::bad;
  if (label == "open" || label == "finding") return Paint::doubtful;
  return std::nullopt;
}

// REQUIRES: look.columns > kLabelColumns.
inline void print_labelled(std::ostream& out, std::string_view label, const std::string& text, const Look& look) {
  const std::optional<Paint> paint = paint_of_label(label);
  const std::string column = fmt::format("{:<{}}", label, kLabelColumns - 3);
  out << hang(fmt::format("  {} {}", paint ? painted(column, *paint, look) : column, text), kLabelColumns, look.columns);
}

}  // namespace harness
