#include "harness/base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace harness {
namespace {

TEST(Suggestions, NameWhatIsNearAndNothingElse) {
  const std::vector<std::string> words = {"workers", "workload", "callback"};
  EXPECT_EQ(nearest("worker", words), "workers");
  EXPECT_EQ(nearest("calback", words), "callback");
  EXPECT_EQ(nearest("xyz", words), "");
  EXPECT_EQ(did_you_mean("workes", words), "; did you mean 'workers'?");
}

TEST(Wrapping, breaks_at_blanks_and_indents_what_follows) {
  EXPECT_EQ(hang("one two three", 2, 9), "one two\n  three\n");
  EXPECT_EQ(hang("one two three", 2, 7), "one two\n  three\n");
  EXPECT_EQ(hang("fits", 2, 9), "fits\n");
  EXPECT_EQ(hang("a indivisible b", 1, 6), "a\n indivisible\n b\n");
  EXPECT_EQ(hang("", 3, 10), "\n");
}

TEST(Wrapping, counts_wide_characters_as_two_columns_and_breaks_between_them) {
  EXPECT_EQ(columns_of("线程a"), 5U);
  EXPECT_EQ(hang("线程池与进程池", 0, 8), "线程池与\n进程池\n");
}

}  // namespace
}  // namespace harness
