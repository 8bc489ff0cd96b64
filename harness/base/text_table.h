#pragma once

// A table for people that fits a page: columns as wide as their widest cell, and of a row that is too wide the words go over several lines.
//
// Thread safety: one owner.

#include <cstddef>
#include <string>
#include <vector>

namespace harness {

class TextTable {
 public:
  enum class Column {
    left,
    right,
    words,  // to the left, broken at blanks where the page ends; at most one column, the first or the last
  };
  struct Heading {
    std::string text;
    Column column = Column::right;
  };

  // Where no heading has a text the table begins with its first row.
  explicit TextTable(std::vector<Heading> headings);

  // Cells may have colours. REQUIRES: as many as there are headings.
  void row(std::vector<std::string> cells);
  // A line between the rows, as it is.
  void line(std::string text);

  // Two blanks between columns, none at the end of a line. Cells other than words are never broken: where they alone are wider than the page,
  // so are the lines. Where there is little room for the words beside them, a row's words have lines of their own.
  std::string text(std::size_t page) const;

 private:
  using Row = std::vector<std::string>;  // a single cell: a line

  std::vector<std::size_t> widths() const;
  std::string beside(const Row& row, const std::vector<std::size_t>& widths, std::size_t from, std::size_t to) const;

  std::vector<Heading> headings_;
  std::vector<Row> rows_;  // the first may be the headings' texts
};

}  // namespace harness
