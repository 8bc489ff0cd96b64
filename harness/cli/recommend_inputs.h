#pragma once

// What a command or function is to work on: --inputs and --range of poolbench recommend.

#include <string>
#include <string_view>
#include <vector>

namespace harness {

// Whether it names this process's standard input, which no other program finds there.
bool is_standard_input(std::string_view file);

// The non-empty lines of the file ("-": of standard input), or the numbers of the range "FIRST..LAST". Throws ConfigError, also where both or
// neither are given.
std::vector<std::string> inputs_of(const std::string& file, const std::string& range);

}  // namespace harness
