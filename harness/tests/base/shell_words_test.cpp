#include "harness/base/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/base/errors.h"

namespace harness {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string words_refusal(std::string_view text) {
  try {
    shell_words(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "was accepted";
}

TEST(ShellWords, ArePartedByBlanksOutsideQuotes) {
  EXPECT_THAT(shell_words("  curl -s  {}\t"), ElementsAre("curl", "-s", "{}"));
  EXPECT_THAT(shell_words("sh -c 'echo \"$1\" \\n' _ {}"), ElementsAre("sh", "-c", "echo \"$1\" \\n", "_", "{}"));
  EXPECT_THAT(shell_words(R"(jq ".name | \"x\" \\ \n")"), ElementsAre("jq", R"(.name | "x" \ \n)"));
  EXPECT_THAT(shell_words("a'b'\"c\" ''"), ElementsAre("abc", ""));
  EXPECT_THAT(shell_words(R"(a\ b \'c)"), ElementsAre("a b", "'c"));
}

TEST(ShellWords, ExpandNothing) { EXPECT_THAT(shell_words("ls *.c $HOME | wc"), ElementsAre("ls", "*.c", "$HOME", "|", "wc")); }

TEST(ShellWords, RefuseWhatDoesNotEnd) {
  EXPECT_THAT(words_refusal("echo 'x"), HasSubstr("a quote, ', that does not end"));
  EXPECT_THAT(words_refusal("echo \"x"), HasSubstr("a quote, \", that does not end"));
  EXPECT_THAT(words_refusal("echo \\"), HasSubstr("ends with a backslash"));
  EXPECT_THAT(words_refusal(" "), HasSubstr("no command"));
}

TEST(ShellWords, AreReadBackFromTheirQuotedForm) {
  EXPECT_EQ(shell_quoted("./convert-1.sh"), "./convert-1.sh");
  EXPECT_EQ(shell_quoted(""), "''");
  for (const std::string word : {"a b", "it's", "$HOME", "\"", "\\", "*", "a\nb", "{}", "~"}) {
    EXPECT_THAT(shell_words("x " + shell_quoted(word)), ElementsAre("x", word)) << shell_quoted(word);
    EXPECT_NE(shell_quoted(word), word);
  }
}

}  // namespace
}  // namespace harness
