#include "harness/engine/own/inputs.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/read_file.h"

namespace harness::own {

std::vector<std::string> input_lines(std::string_view text, const std::string& name) {
  if (text.find('\0') != std::string::npos)
    throw ConfigError("the inputs in '" + name + "' hold a NUL byte; allowed: one per line");
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.emplace_back(line);
    if (static_cast<std::int64_t>(lines.size()) > kMostInputs) {
      throw ConfigError(fmt::format("more than {} inputs; give a sample of them", kMostInputs));
    }
  }
  if (lines.empty()) throw ConfigError("'" + name + "' holds no inputs: one per line");
  return lines;
}

std::vector<std::string> input_numbers(const std::string& range, std::string_view what) {
  const std::size_t dots = range.find("..");
  if (dots == std::string::npos)
    throw ConfigError(fmt::format("{} '{}' is not of the form FIRST..LAST, two whole numbers", what, range));
  constexpr std::int64_t kMostInput = 1'000'000'000'000;
  const std::int64_t first = parse_integer(range.substr(0, dots), fmt::format("{}'s first number", what), 0, kMostInput);
  const std::int64_t last = parse_integer(range.substr(dots + 2), fmt::format("{}'s last number", what), 0, kMostInput);
  if (last < first) throw ConfigError(fmt::format("{} '{}' is empty: its last number is below its first", what, range));
  if (last - first >= kMostInputs) throw ConfigError(fmt::format("{} '{}' holds more than {} inputs", what, range, kMostInputs));
  std::vector<std::string> numbers;
  for (std::int64_t number = first; number <= last; ++number) numbers.push_back(std::to_string(number));
  return numbers;
}

bool is_range(std::string_view inputs) {
  const std::size_t dots = inputs.find("..");
  if (dots == std::string_view::npos || dots == 0 || dots + 2 == inputs.size()) return false;
  const auto digits = [](std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
  };
  return digits(inputs.substr(0, dots)) && digits(inputs.substr(dots + 2));
}

std::vector<std::string> suite_inputs(const std::string& inputs) {
  if (is_range(inputs)) return input_numbers(inputs, "inputs");
  return input_lines(read_file(inputs, "list of inputs", kMostInputBytes), inputs);
}

namespace {

// An integer that the parser took for a floating-point number, and Python would not.
class WideIntegers : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::string found;
  bool number_float(double, const std::string& digits) override {
    if (found.empty() && digits.find_first_of(".eE") == std::string::npos) found = digits;
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(std::int64_t) override { return true; }
  bool number_unsigned(std::uint64_t) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(std::string&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
};

std::string number_beyond_64_bits(const std::string& text) {
  WideIntegers numbers;
  nlohmann::json::sax_parse(text, &numbers);
  return numbers.found;
}

}  // namespace

std::string inputs_json(const std::vector<std::string>& lines, bool json_lines, const std::string& name) {
  if (!is_utf8(name)) throw ConfigError(fmt::format("the name '{}' is not UTF-8, and a program has to name it", printable(name)));
  nlohmann::ordered_json inputs = nlohmann::ordered_json::array();
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (!json_lines) {
      inputs.push_back(lines[at]);
      continue;
    }
    nlohmann::ordered_json value = nlohmann::ordered_json::parse(lines[at], nullptr, false);
    if (value.is_discarded() || lines[at].starts_with("\xEF\xBB\xBF")) {  // Python's parser knows no byte order mark
      throw ConfigError(fmt::format("'{}': input {} is no JSON value: '{}'; a file that ends in .jsonl has one a line", name,
                                    at + 1, printable(lines[at], 60)));
    }
    if (const std::string number = number_beyond_64_bits(lines[at]); !number.empty()) {
      throw ConfigError(fmt::format("'{}': input {} has the number {}, which is beyond 64 bits; allowed: as a string", name,
                                    at + 1, printable(number, 60)));
    }
    inputs.push_back(std::move(value));
  }
  try {
    return inputs.dump();
  } catch (const nlohmann::json::exception&) {
    throw ConfigError(fmt::format("the inputs in '{}' are not UTF-8", name));
  }
}

}  // namespace harness::own
