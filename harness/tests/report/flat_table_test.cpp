// A JSON array as CSV and Markdown: every key a column, whatever an object lacks is empty.

#include "harness/report/flat_table.h"

#include <gtest/gtest.h>

namespace harness {
namespace {

using FlatTestJson = nlohmann::ordered_json;

FlatTestJson two_rows() {
  return FlatTestJson::parse(R"([{"name": "a, b", "n": 1, "at": {"low": 0.5, "high": null}, "list": [1, "x"]},
                                 {"name": "c|d\ne", "more": true}])");
}

TEST(FlatTables, have_a_column_per_key_in_order_of_appearance) {
  EXPECT_EQ(csv_of(two_rows()), "name,n,at.low,at.high,list,more\n\"a, b\",1,0.5,,1 x,\n\"c|d\ne\",,,,,true\n");
}

TEST(FlatTables, are_markdown_in_which_nothing_breaks_a_row) {
  EXPECT_EQ(markdown_of(two_rows()),
            "| name | n | at.low | at.high | list | more |\n|---|---|---|---|---|---|\n"
            "| a, b | 1 | 0.5 |  | 1 x |  |\n| c\\|d e |  |  |  |  | true |\n");
}

TEST(FlatTables, of_nothing_are_nothing) {
  EXPECT_EQ(csv_of(FlatTestJson::array()), "");
  EXPECT_EQ(markdown_of(FlatTestJson::array()), "");
}

}  // namespace
}  // namespace harness
