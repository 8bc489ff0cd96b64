#pragma once

// What a flag's text must be, whatever it means.

#include <CLI/CLI.hpp>
#include <string>

namespace harness {

// Of names and paths: an empty one is a mistake of the shell that made it ("$OUTPUT", unset), never the default.
inline const CLI::Validator& not_empty() {
  static const CLI::Validator kNotEmpty(
      [](const std::string& text) {
        return text.empty() ? std::string("it is empty; allowed: a name, a path or a value") : std::string();
      },
      "");
  return kNotEmpty;
}

}  // namespace harness
