#include "harness/base/console.h"

#include <gtest/gtest.h>

#include <string>

namespace harness {
namespace {

TEST(Printable, LeavesTextAsItIs) {
  for (const std::string text : {"", "plain text, 'quoted'", " two  blanks ", "größer 大 \xF0\x9F\x98\x80"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatATerminalObeysAndWhatIsNoText) {
  EXPECT_EQ(printable("a\nb\r\tc\x1b[31m\x7f"), "a\\nb\\r\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string("\0", 1)), "\\x00");
  EXPECT_EQ(printable("\xC2\x9B"
                      "1m"),
            "\\xc2\\x9b1m");  // CSI as C1 has it
  EXPECT_EQ(printable("\xff\xC3"), "\\xff\\xc3");
  EXPECT_EQ(printable("\xC0\x80 \xE0\x80\x80 \xED\xA0\x80 \xF4\x90\x80\x80"),  // overlong, a surrogate, beyond Unicode
            "\\xc0\\x80 \\xe0\\x80\\x80 \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80");
}

TEST(Printable, ShortensLongWordsBetweenCharacters) {
  const std::string word = std::string(1000, 'a') + std::string(1000, 'b');
  EXPECT_EQ(printable("x " + word + " y", 40), "x " + std::string(30, 'a') + "..." + std::string(10, 'b') + " y");
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "大";
  EXPECT_EQ(printable(printable(wide, 41)), printable(wide, 41));  // it is UTF-8 still
}

std::string said(Verbosity verbosity) {
  testing::internal::CaptureStderr();
  choose_verbosity(verbosity);
  say("error\n");
  tell("what goes on\n");
  detail("why\n");
  choose_verbosity(Verbosity::normal);
  return testing::internal::GetCapturedStderr();
}

TEST(Verbosities, decide_what_is_said) {
  EXPECT_EQ(said(Verbosity::quiet), "error\n");
  EXPECT_EQ(said(Verbosity::normal), "error\nwhat goes on\n");
  EXPECT_EQ(said(Verbosity::verbose), "error\nwhat goes on\nwhy\n");
}

TEST(LiveLines, are_cleared_before_anything_else_is_said) {
  testing::internal::CaptureStderr();
  say_live("\r\x1b[K3 of 7");
  say("warning\n");
  say("another\n");
  say_live("\r\x1b[K4 of 7");
  say_live("\r\x1b[K");
  say("the end\n");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "\r\x1b[K3 of 7\r\x1b[Kwarning\nanother\n\r\x1b[K4 of 7\r\x1b[Kthe end\n");
}

}  // namespace
}  // namespace harness
