#include "harness/engine/own/python_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "harness/base/console.h"
#include "harness/base/errors.h"

namespace harness::own {
namespace {

constexpr std::array<std::string_view, 35> kKeywords{"False",  "None",   "True",    "and",      "as",       "assert", "async",
                                                     "await",  "break",  "class",   "continue", "def",      "del",    "elif",
                                                     "else",   "except", "finally", "for",      "from",     "global", "if",
                                                     "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
                                                     "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

bool is_identifier(std::string_view name) {
  if (std::ranges::find(kKeywords, name) != kKeywords.end()) return false;
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front()))) return false;
  return std::ranges::all_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) || c == '_';
  });
}

bool is_dotted(std::string_view name) {
  while (true) {
    const std::size_t dot = name.find('.');
    if (!is_identifier(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

}  // namespace

std::string python_name(const std::string& what, const std::string& text, std::vector<std::string>& paths) {
  const std::size_t colon = text.rfind(':');
  const auto wrong = [&](const std::string& why) {
    return ConfigError(
        fmt::format("{} '{}' {}; allowed: MODULE:FUNCTION, as in crawler:fetch or ./crawler.py:fetch", what, text, why));
  };
  if (colon == std::string::npos) throw wrong("names no function");
  std::string module = text.substr(0, colon);
  const std::string function = text.substr(colon + 1);
  if (!is_dotted(function)) throw wrong("names no function");
  if (module.find('/') != std::string::npos || module.ends_with(".py")) {
    const std::filesystem::path file = module.ends_with(".py") ? module : module + ".py";
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error))
      throw ConfigError(fmt::format("{}: there is no file '{}'", what, file.string()));
    const std::string directory = std::filesystem::absolute(file).lexically_normal().parent_path().string();
    if (!is_utf8(directory))
      throw ConfigError(
          fmt::format("{}: the directory '{}' is not UTF-8, and a program has to name it", what, printable(directory)));
    if (std::find(paths.begin(), paths.end(), directory) == paths.end()) paths.insert(paths.begin(), directory);
    module = file.stem().string();
  }
  if (!is_dotted(module)) throw wrong("has no name of a module that Python could import");
  return module + ':' + function;
}

std::string python_code(const std::string& function, const std::string& callback, const std::vector<std::string>& paths,
                        const std::string& inputs, const std::map<std::string, std::string, std::less<>>& environment) {
  // Ordered: an object's keys are a function's keyword arguments, which keep their order.
  return nlohmann::ordered_json{{"function", function},
                                {"callback", callback},
                                {"paths", paths},
                                {"inputs", nlohmann::ordered_json::parse(inputs)},
                                {"environment", environment}}
      .dump();
}

}  // namespace harness::own
