#include "harness/base/text_table.h"

#include <gtest/gtest.h>

#include <string>

#include "harness/base/look.h"
#include "harness/tests/colours.h"

namespace harness {
namespace {

using Cells = TextTable::Column;

TextTable fruit(Cells last) {
  TextTable table({{"fruit", Cells::left}, {"n"}, {"what it is", last}});
  table.row({"apple", "5", "round and red, or green, or yellow, and good for pies"});
  table.row({"kiwi", "1200", "small"});
  return table;
}

TEST(TextTables, have_columns_as_wide_as_their_widest_cell) {
  EXPECT_EQ(fruit(Cells::left).text(10),
            "fruit     n  what it is\n"
            "apple     5  round and red, or green, or yellow, and good for pies\n"
            "kiwi   1200  small\n");
}

TEST(TextTables, break_words_where_the_page_ends) {
  EXPECT_EQ(fruit(Cells::words).text(66),
            "fruit     n  what it is\n"
            "apple     5  round and red, or green, or yellow, and good for pies\n"
            "kiwi   1200  small\n");
  EXPECT_EQ(fruit(Cells::words).text(45),
            "fruit     n  what it is\n"
            "apple     5  round and red, or green, or\n"
            "             yellow, and good for pies\n"
            "kiwi   1200  small\n");
}

TEST(TextTables, give_words_lines_of_their_own_where_there_is_no_room_beside_the_numbers) {
  EXPECT_EQ(fruit(Cells::words).text(30),
            "fruit     n\n"
            "    what it is\n"
            "apple     5\n"
            "    round and red, or green,\n"
            "        or yellow, and good\n"
            "        for pies\n"
            "kiwi   1200\n"
            "    small\n");
  TextTable first({{"", Cells::words}, {"took"}, {"n"}});
  first.row({"a name that is longer than that", "5 ms", "1"});
  EXPECT_EQ(first.text(20), "    took  n\na name that is\n    longer than that\n    5 ms  1\n");
  EXPECT_EQ(first.text(100), "                                 took  n\na name that is longer than that  5 ms  1\n");
}

TEST(TextTables, have_lines_between_their_rows_and_need_no_heading) {
  TextTable table({{"", Cells::left}, {"", Cells::words}});
  table.row({"a", "b"});
  table.line("... and 7 more, which count for no width");
  table.row({"ccc", "d"});
  EXPECT_EQ(table.text(60), "a    b\n... and 7 more, which count for no width\nccc  d\n");
}

TEST(TextTables, are_as_wide_with_colours_as_without) {
  const auto coloured = [](const Look& look) {
    TextTable table({{"verdict", Cells::left}, {"B / A"}, {"cell", Cells::words}});
    table.row({painted("slower", Paint::bad, look), painted("1.5", Paint::strong, look), "thread pool, 4 workers"});
    table.row({painted("same", Paint::faint, look), "1.001", painted("process pool, 4 workers", Paint::good, look)});
    return table;
  };
  for (const std::size_t page : {20U, 40U, 80U}) {
    const std::string text = coloured({.colour = true}).text(page);
    EXPECT_NE(text.find(kColour), std::string::npos);
    EXPECT_EQ(without_colours(text), coloured({}).text(page));
  }
}

}  // namespace
}  // namespace harness
