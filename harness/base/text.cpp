#include "harness/base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

namespace harness {
namespace {

// The first character of the text, or the sequence that colours what follows: its bytes and its columns. Invalid UTF-8 counts as one byte,
// one column.
struct Character {
  std::size_t bytes;
  std::size_t columns;
};
Character first_of(std::string_view text) {
  if (text.starts_with("\x1b[")) {
    const std::size_t end = text.find_first_not_of("0123456789;", 2);
    if (end != std::string_view::npos && text[end] == 'm') return {end + 1, 0};
  }
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes > text.size()) return {1, 1};
  // Three bytes from U+2E80 on: CJK, its punctuation and full-width forms. What is below takes one column.
  const bool wide =
      bytes == 4 || (bytes == 3 && lead >= 0xE3) || (bytes == 3 && lead == 0xE2 && static_cast<unsigned char>(text[1]) >= 0xBA);
  return {bytes, wide ? std::size_t{2} : std::size_t{1}};
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (; !text.empty();) {
    const Character next = first_of(text);
    columns += next.columns;
    text.remove_prefix(next.bytes);
  }
  return columns;
}

std::string hang(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;   // of the line so far
  std::size_t blank = 0;    // bytes of `out` up to and without the last blank that a line may be broken at; 0: none
  std::size_t after = 0;    // the column right after that blank
  bool only_indent = true;  // nothing but blanks on the line so far
  while (!text.empty()) {
    const Character next = first_of(text);
    if (column + next.columns > width) {
      if (text.front() == ' ') {  // the line ends here
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        if (text.empty()) break;
        out += "\n" + std::string(indent, ' ');
        column = indent;
        blank = 0;
        continue;
      }
      if (blank > 0) {
        out.replace(blank, 1, "\n" + std::string(indent, ' '));
        column = indent + column - after;
      } else if (next.columns == 2) {
        out += "\n" + std::string(indent, ' ');
        column = indent;
      }
      blank = 0;
    }
    if (text.front() == ' ' && !only_indent) {
      blank = out.size();
      after = column + 1;
    } else if (text.front() != ' ') {
      only_indent = false;
    }
    out += text.substr(0, next.bytes);
    column += next.columns;
    text.remove_prefix(next.bytes);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out + '\n';
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;  // nearer than this, or it is another word
  for (const std::string& candidate : candidates) {
    // Levenshtein distance, one row at a time.
    std::vector<std::size_t> row(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= candidate.size(); ++j) {
        const std::size_t replaced = diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string candidate = nearest(word, candidates);
  return candidate.empty() ? std::string() : fmt::format("; did you mean '{}'?", candidate);
}

std::string counted(std::int64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::vector<ListedLine> listed_lines(std::string_view text) {
  std::vector<ListedLine> lines;
  int number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') continue;
    lines.push_back({number, std::string(line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1))});
  }
  return lines;
}

}  // namespace harness
