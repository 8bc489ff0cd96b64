// What workers print, and their last words.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "pools/process_pool.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

class ProcessOutput : public ProcessTest {};

int print_lines(int lines) {
  for (int line = 0; line < lines; ++line) std::printf("line %d\n", line);
  std::fprintf(stderr, "no end");
  return ::getpid();
}

TEST_F(ProcessOutput, what_workers_print_arrives_in_lines_with_a_tag_before_shutdown_returns) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int pid = 0;
  {
    ProcessPool pool({.workers = 1, .name_prefix = "talker"});
    pid = pool.submit<&print_lines>(300).result();
    pool.shutdown();
  }
  const std::string out = testing::internal::GetCapturedStdout();
  const std::string tag = "[talker_0 " + std::to_string(pid) + "] ";
  std::string expected;
  for (int line = 0; line < 300; ++line) expected += tag + "line " + std::to_string(line) + "\n";
  EXPECT_EQ(out, expected);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), tag + "no end\n");
}

int print_garbage(int) {
  for (int byte = 0; byte < 100'000; ++byte) std::putchar(byte % 251);
  return 7;
}

TEST_F(ProcessOutput, garbage_on_standard_output_harms_nothing_and_can_be_discarded) {
  testing::internal::CaptureStdout();
  {
    ProcessPool pool(1);
    EXPECT_EQ(pool.submit<&print_garbage>(0).result(), 7);
  }
  EXPECT_GE(testing::internal::GetCapturedStdout().size(), 100'000U);
  testing::internal::CaptureStdout();
  {
    ProcessPool pool({.workers = 1, .output = WorkerOutput::discarded});
    EXPECT_EQ(pool.submit<&print_garbage>(0).result(), 7);
  }
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

int say_and_die(const std::string& words) {
  std::fprintf(stderr, "%s\n", words.c_str());
  ::_exit(3);
}

TEST_F(ProcessOutput, the_end_of_standard_error_comes_with_the_death) {
  ProcessPool pool(1);
  testing::internal::CaptureStderr();
  try {
    pool.submit<&say_and_die>(std::string("first line\nthe reason why")).result();
    ADD_FAILURE();
  } catch (const WorkerDied& error) {
    EXPECT_EQ(error.stderr_tail(), "first line\nthe reason why\n");
    EXPECT_THAT(error.what(), testing::HasSubstr("the reason why"));
  }
  pool.shutdown();
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace pools::test
