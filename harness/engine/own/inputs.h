#pragma once

// What work of the user's own is done on: a list of texts, one per task.
//
// Thread safety: pure functions, but for suite_inputs(), which reads the named file.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness::own {

inline constexpr std::int64_t kMostInputs = 100'000;

// The non-empty lines of the text of a file, which `name` names in messages. Throws ConfigError: there is none, or more than kMostInputs; a NUL.
std::vector<std::string> input_lines(std::string_view text, const std::string& name);

// The numbers of "FIRST..LAST", two whole ones. Throws ConfigError, which begins with `what`: "--range".
std::vector<std::string> input_numbers(const std::string& range, std::string_view what);

// Which input the task-th of so many has: of fewer tasks than inputs such as lie evenly among them, of more from the first again.
// REQUIRES: inputs > 0. (scripts/drivers/cpython/examination.py looks at the same ones.)
constexpr std::int64_t input_of_task(std::int64_t task, std::int64_t tasks, std::int64_t inputs) {
  return tasks < inputs ? (2 * task + 1) * inputs / (2 * tasks) : task % inputs;
}

// As the `inputs` of a suite has it: "1..60", or a file. Throws ConfigError.
std::vector<std::string> suite_inputs(const std::string& inputs);
bool is_range(std::string_view inputs);  // "1..60"

// The inputs as a JSON array: as texts, or each line's own JSON value (`json_lines`, what a file of Python's inputs that ends in .jsonl has).
// Throws ConfigError: a line that is no JSON value, text or a file name that is not UTF-8.
std::string inputs_json(const std::vector<std::string>& lines, bool json_lines, const std::string& name);

}  // namespace harness::own
