#include "harness/base/look.h"

#include <gtest/gtest.h>

#include <string>

#include "harness/base/text.h"
#include "harness/tests/colours.h"

namespace harness {
namespace {

constexpr Look kColourful{.colour = true};

TEST(Paints, are_sequences_around_the_text_and_only_where_there_are_colours) {
  EXPECT_EQ(painted("fast", Paint::good, {}), "fast");
  EXPECT_EQ(painted("", Paint::good, kColourful), "");
  for (const Paint paint : {Paint::strong, Paint::good, Paint::bad, Paint::doubtful, Paint::faint}) {
    const std::string text = painted("fast", paint, kColourful);
    EXPECT_TRUE(text.starts_with(kColour)) << text;
    EXPECT_TRUE(text.ends_with("\x1b[0m")) << text;
    EXPECT_EQ(without_colours(text), "fast");
  }
  EXPECT_NE(painted("fast", Paint::good, kColourful), painted("fast", Paint::bad, kColourful));
}

TEST(Paints, take_no_column) {
  EXPECT_EQ(columns_of(painted("线程a", Paint::bad, kColourful)), 5U);
  const std::string text = "one " + painted("two", Paint::bad, kColourful) + " three";
  EXPECT_EQ(without_colours(hang(text, 2, 9)), "one two\n  three\n");
  EXPECT_EQ(without_colours(hang(text, 2, 7)), "one two\n  three\n");
  EXPECT_EQ(columns_of("\x1b[2Jx"), 5U);  // what does not colour is no colour
  EXPECT_EQ(columns_of("\x1b["), 2U);
}

}  // namespace
}  // namespace harness
