#pragma once

// Text for terminals: lines of at most 100 columns.

#include <cstddef>
#include <string>
#include <string_view>

namespace harness {

// One paragraph, its line end included: broken at blanks so that no line is longer than `width` columns, the later ones
// indented by `indent` blanks. Columns are counted as UTF-8 characters, those of CJK as two. A word that is too long
// for a line stands alone on one; text without blanks (CJK) is broken between characters. REQUIRES: indent < width.
std::string hang(std::string_view text, std::size_t indent, std::size_t width = 100);

// Columns that the text takes on a terminal.
std::size_t columns_of(std::string_view text);

}  // namespace harness
