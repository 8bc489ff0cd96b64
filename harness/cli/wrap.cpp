#include "harness/cli/wrap.h"

#include <algorithm>

namespace harness {
namespace {

// The first character of the text: its bytes and its columns. Invalid UTF-8 counts as one byte, one column.
struct Character {
  std::size_t bytes;
  std::size_t columns;
};
Character first_of(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes > text.size()) return {1, 1};
  // Three bytes from U+2E80 on: CJK, its punctuation and full-width forms. What is below takes one column.
  const bool wide = bytes == 4 || (bytes == 3 && lead >= 0xE3) ||
                    (bytes == 3 && lead == 0xE2 && static_cast<unsigned char>(text[1]) >= 0xBA);
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
  std::size_t column = 0;      // of the line so far
  std::size_t blank = 0;       // bytes of `out` up to and without the last blank that a line may be broken at; 0: none
  std::size_t after = 0;       // the column right after that blank
  bool only_indent = true;     // nothing but blanks on the line so far
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

}  // namespace harness
