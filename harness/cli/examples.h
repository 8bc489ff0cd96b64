#pragma once

// Examples of each command, for --help and the manual.
//
// Thread safety: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace harness {

struct Example {
  std::string command;  // as one types it, "poolbench ..."
  std::string meaning;
};

// In the order to read them; of "poolbench" itself what to type first. Empty: a command that there is not.
std::vector<Example> examples_of(std::string_view command);

}  // namespace harness
