#pragma once

// What a command or function is to work on: --inputs and --range of poolbench recommend.

#include <string>
#include <vector>

namespace harness {

// "-" for what names this process's standard input, which no other program finds there; other names as they are.
std::string inputs_file(const std::string& given);

// The non-empty lines of the file ("-": of standard input), or the numbers of the range "FIRST..LAST". Throws ConfigError, also where both or
// neither are given.
std::vector<std::string> inputs_of(const std::string& file, const std::string& range);

// "1..60" of the numbers of a range, however it was written: 01..060.
std::string range_of(const std::vector<std::string>& numbers);

}  // namespace harness
