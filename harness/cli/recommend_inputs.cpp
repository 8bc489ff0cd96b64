#include "harness/cli/recommend_inputs.h"

#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/engine/own/inputs.h"

namespace harness {

std::string inputs_file(const std::string& given) {
  return given == "/dev/stdin" || given == "/dev/fd/0" || given == "/proc/self/fd/0" ? "-" : given;
}

std::vector<std::string> inputs_of(const std::string& file, const std::string& range) {
  if (!range.empty() && !file.empty()) throw ConfigError("--inputs and --range exclude each other");
  if (!range.empty()) return own::input_numbers(range, "--range");
  if (file.empty())
    throw ConfigError("inputs are missing: --inputs FILE (one per line; - for standard input) or --range FIRST..LAST");
  const std::string text =
      file == "-" ? read_stdin("list of inputs", kMostInputBytes) : read_file(file, "list of inputs", kMostInputBytes);
  return own::input_lines(text, file);
}

std::string range_of(const std::vector<std::string>& numbers) { return numbers.front() + ".." + numbers.back(); }

}  // namespace harness
