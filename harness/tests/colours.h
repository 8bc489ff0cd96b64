#pragma once

// Of text with colours, for tests.

#include <regex>
#include <string>

namespace harness {

inline constexpr const char* kColour = "\x1b[";

inline std::string without_colours(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), "");
}

}  // namespace harness
