#include "harness/base/text_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "harness/base/text.h"

namespace harness {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastWords = 24;  // columns; with less room beside the numbers, words have lines of their own

std::string padded(const std::string& text, std::size_t width, TextTable::Column column) {
  const std::string blanks(width - std::min(width, columns_of(text)), ' ');
  return column == TextTable::Column::right ? blanks + text : text + blanks;
}

std::string without_blanks_at_end(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

TextTable::TextTable(std::vector<Heading> headings) : headings_(std::move(headings)) {
  Row texts;
  for (const Heading& heading : headings_) texts.push_back(heading.text);
  if (std::ranges::any_of(texts, [](const std::string& text) { return !text.empty(); })) rows_.push_back(std::move(texts));
}

void TextTable::row(Row cells) {
  assert(cells.size() == headings_.size() && cells.size() > 1);
  rows_.push_back(std::move(cells));
}

void TextTable::line(std::string text) { rows_.push_back({std::move(text)}); }

std::vector<std::size_t> TextTable::widths() const {
  std::vector<std::size_t> widths(headings_.size(), 0);
  for (const Row& row : rows_) {
    if (row.size() == 1) continue;
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  return widths;
}

// The cells from one column to the one before another, each as wide as its column.
std::string TextTable::beside(const Row& row, const std::vector<std::size_t>& widths, std::size_t from, std::size_t to) const {
  std::string text;
  for (std::size_t i = from; i < to; ++i) {
    if (i > from) text.append(kGap, ' ');
    text += padded(row[i], widths[i], headings_[i].column);
  }
  return text;
}

std::string TextTable::text(std::size_t page) const {
  const std::vector<std::size_t> widths = this->widths();
  const std::size_t last = headings_.size() - 1;
  const bool words_first = headings_.front().column == Column::words;
  const bool words_last = headings_.back().column == Column::words;
  std::size_t whole = kGap * last;
  for (const std::size_t width : widths) whole += width;
  const std::size_t numbers = whole - (words_last ? widths.back() : 0);  // what stands before the words, the gap included
  const bool fits = whole <= page;
  const bool folds = words_last && numbers + kLeastWords <= page;
  std::string out;
  for (const Row& row : rows_) {
    if (row.size() == 1) {
      out += row.front() + '\n';
    } else if (fits || !(words_first || words_last)) {
      out += without_blanks_at_end(beside(row, widths, 0, last + 1)) + '\n';
    } else if (folds) {
      out += hang(beside(row, widths, 0, last + 1), numbers, page);
    } else if (words_last) {
      out += without_blanks_at_end(beside(row, widths, 0, last)) + '\n';
      if (!row.back().empty()) out += hang("    " + row.back(), 8, page);
    } else {
      if (!row.front().empty()) out += hang(row.front(), 4, page);
      out += "    " + without_blanks_at_end(beside(row, widths, 1, last + 1)) + '\n';
    }
  }
  return out;
}

}  // namespace harness
