#include "harness/cli/recommend_inputs.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"

namespace harness {
namespace {

// The non-empty lines.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    if (static_cast<std::int64_t>(lines.size()) > kMostTasks) {
      throw ConfigError(fmt::format("more than {} inputs; give a sample of them", kMostTasks));
    }
  }
  return lines;
}

std::vector<std::string> range_of(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) throw ConfigError("--range '" + text + "' is not of the form FIRST..LAST, two whole numbers");
  constexpr std::int64_t kMostInput = 1'000'000'000'000;
  const std::int64_t first = parse_integer(text.substr(0, dots), "--range's first number", 0, kMostInput);
  const std::int64_t last = parse_integer(text.substr(dots + 2), "--range's last number", 0, kMostInput);
  if (last < first) throw ConfigError("--range '" + text + "' is empty: its last number is below its first");
  if (last - first >= kMostTasks) throw ConfigError(fmt::format("--range '{}' holds more than {} inputs", text, kMostTasks));
  std::vector<std::string> numbers;
  for (std::int64_t number = first; number <= last; ++number) numbers.push_back(std::to_string(number));
  return numbers;
}

}  // namespace

bool can_be_executed(const std::string& program) {
  if (program.find('/') != std::string::npos)
    return ::access(program.c_str(), X_OK) == 0 && !std::filesystem::is_directory(program);
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const std::size_t colon = rest.find(':');
    const std::filesystem::path candidate = std::filesystem::path(rest.substr(0, colon)) / program;
    if (::access(candidate.c_str(), X_OK) == 0 && !std::filesystem::is_directory(candidate)) return true;
    if (colon == std::string_view::npos) return false;
    rest.remove_prefix(colon + 1);
  }
}

std::vector<std::string> inputs_of(const std::string& file, const std::string& range) {
  if (!range.empty() && !file.empty()) throw ConfigError("--inputs and --range exclude each other");
  if (!range.empty()) return range_of(range);
  if (file.empty())
    throw ConfigError("inputs are missing: --inputs FILE (one per line; - for standard input) or --range FIRST..LAST");
  const bool from_stdin = file == "-";
  const std::string text =
      from_stdin ? read_stdin("list of inputs", kMostInputBytes) : read_file(file, "list of inputs", kMostInputBytes);
  if (text.find('\0') != std::string::npos)
    throw ConfigError("the inputs in '" + file + "' hold a NUL byte; allowed: one per line");
  std::vector<std::string> inputs = lines_of(text);
  if (inputs.empty()) throw ConfigError("'" + file + "' holds no inputs: one per line");
  return inputs;
}

}  // namespace harness
