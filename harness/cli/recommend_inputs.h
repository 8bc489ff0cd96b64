#pragma once

// What a command or function is to work on: --inputs and --range of poolbench recommend.

#include <cstdint>
#include <string>
#include <vector>

namespace harness {

inline constexpr std::int64_t kMostTasks = 100'000;

// The non-empty lines of the file ("-": of standard input), or the numbers of the range "FIRST..LAST". Throws ConfigError, also where both or
// neither are given.
std::vector<std::string> inputs_of(const std::string& file, const std::string& range);

// Executable by name along PATH, as execvp finds it. Only for a better message: the truth comes out when it is run.
bool can_be_executed(const std::string& program);

}  // namespace harness
