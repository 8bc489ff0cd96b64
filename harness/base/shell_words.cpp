#include "harness/base/shell_words.h"

#include <fmt/core.h>

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/console.h"
#include "harness/base/errors.h"

namespace harness {

std::vector<std::string> shell_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0';
  const auto refuse = [&](std::string_view why) { return ConfigError(fmt::format("'{}': {}", printable(text), why)); };
  const auto add = [&](char c) {
    if (!in_word) words.emplace_back();
    in_word = true;
    words.back() += c;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
      if (!in_word) words.emplace_back();
      in_word = true;
    } else if (c == '\\' && quote != '\'') {
      if (++at == text.size()) throw refuse("it ends with a backslash");
      if (quote == '"' && text[at] != '"' && text[at] != '\\') add('\\');
      add(text[at]);
    } else if (quote == '\0' && std::isspace(static_cast<unsigned char>(c))) {
      in_word = false;
    } else {
      add(c);
    }
  }
  if (quote != '\0') throw refuse(fmt::format("a quote, {}, that does not end", quote));
  if (words.empty()) throw refuse("no command: a program and its arguments are allowed");
  return words;
}

std::string shell_quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace harness
