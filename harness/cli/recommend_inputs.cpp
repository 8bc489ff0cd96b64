#include "harness/cli/recommend_inputs.h"

#include "harness/base/errors.h"
#include "harness/base/read_file.h"
#include "harness/engine/own/inputs.h"

namespace harness {

bool is_standard_input(std::string_view file) {
  return file == "-" || file == "/dev/stdin" || file == "/dev/fd/0" || file == "/proc/self/fd/0";
}

std::vector<std::string> inputs_of(const std::string& file, const std::string& range) {
  if (!range.empty() && !file.empty()) throw ConfigError("--inputs and --range exclude each other");
  if (!range.empty()) return own::input_numbers(range, "--range");
  if (file.empty())
    throw ConfigError("inputs are missing: --inputs FILE (one per line; - for standard input) or --range FIRST..LAST");
  const std::string text = is_standard_input(file) ? read_stdin("list of inputs", kMostInputBytes)
                                                   : read_file(file, "list of inputs", kMostInputBytes);
  return own::input_lines(text, file);
}

}  // namespace harness
