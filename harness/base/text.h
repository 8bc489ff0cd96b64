#pragma once

// Text for people: lists of words, guesses at misspelt ones, and paragraphs as wide as a page.
//
// Thread safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/look.h"

namespace harness {

// The candidate nearest to `word` in spelling, or "" if none is near: for "did you mean".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// "; did you mean 'workers'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
// "a, b, c"
std::string join(const std::vector<std::string>& words);

// "1 round", "2 rounds"
std::string counted(std::int64_t number, std::string_view noun);

// One paragraph, its line end included: broken at blanks so that no line is longer than `width` columns, the later ones
// indented by `indent` blanks. Columns are counted as columns_of() does. A word that is too long for a line stands alone
// on one; text without blanks (CJK) is broken between characters. REQUIRES: indent < width.
std::string hang(std::string_view text, std::size_t indent, std::size_t width = kPageColumns);

// The lines of a list that people write: without what surrounds them, without empty ones and those that begin with '#'.
struct ListedLine {
  int number = 0;  // from 1
  std::string text;
};
std::vector<ListedLine> listed_lines(std::string_view text);

// Columns that the text takes on a terminal: one per UTF-8 character, two for those of CJK, none for a sequence that colours ("\x1b[1m").
std::size_t columns_of(std::string_view text);

}  // namespace harness
