#pragma once

// Expectations in a process of their own, as repetitions are run: Boost.Fiber's work stealing, for one, can be started once per process.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace harness::testing_engine {

// REQUIRES: no library that `body` uses has started threads in this process: the fork would not have them, and wait for them.
template <class Body>
void in_a_process_of_its_own(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace harness::testing_engine
