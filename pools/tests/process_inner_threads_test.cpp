// How many threads the libraries of a worker's tasks may start: its environment, and pools::inner_threads().

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/cores.h"
#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

const std::vector<std::string> kVariables{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
                                          "NUMEXPR_NUM_THREADS"};

// What a library would read that is loaded with the program.
std::string variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? "none" : value;
}
const std::string at_the_start = variable("OMP_NUM_THREADS");
std::string variable_at_the_start() { return at_the_start; }
int told_to_tasks() { return inner_threads(); }

int told_to_the_initializer = 0;
void note_inner_threads() { told_to_the_initializer = inner_threads(); }
int what_the_initializer_was_told() { return told_to_the_initializer; }

class InnerThreads : public ProcessTest {
 protected:
  void SetUp() override {
    ProcessTest::SetUp();
    for (const std::string& name : kVariables) {
      before_.emplace_back(name, std::getenv(name.c_str()) == nullptr ? std::nullopt : std::optional(variable(name)));
      ::unsetenv(name.c_str());
    }
  }
  void TearDown() override {
    for (const auto& [name, value] : before_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
    ProcessTest::TearDown();
  }

  static void expect(ProcessPool& pool, int threads) {
    for (const std::string& name : kVariables) {
      EXPECT_EQ(pool.submit<&variable>(name).result(), std::to_string(threads)) << name;
    }
    EXPECT_EQ(pool.submit<&variable_at_the_start>().result(), std::to_string(threads));
    EXPECT_EQ(pool.submit<&told_to_tasks>().result(), threads);
    EXPECT_EQ(pool.submit<&what_the_initializer_was_told>().result(), threads);
  }

 private:
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

TEST_F(InnerThreads, are_as_many_as_the_option_says) {
  ::setenv("MKL_NUM_THREADS", "9", 1);
  ProcessPool pool({.workers = 1, .initializer = remote<&note_inner_threads>(), .inner_threads = 3});
  expect(pool, 3);
  EXPECT_EQ(variable("OMP_NUM_THREADS"), "none");  // here
}

TEST_F(InnerThreads, are_a_workers_share_of_the_cores_and_at_least_one) {
  EXPECT_EQ(inner_threads_share(8, 1), 8);
  EXPECT_EQ(inner_threads_share(8, 3), 2);
  EXPECT_EQ(inner_threads_share(8, 8), 1);
  EXPECT_EQ(inner_threads_share(8, 9), 1);
  // With one core all of them have a share of 1: what says so then is inner_threads_share() alone.
  for (const int workers : {1, 2, 100}) {
    ProcessPool pool({.workers = workers, .initializer = remote<&note_inner_threads>()});
    expect(pool, inner_threads_share(usable_cores().count, workers));
  }
  ProcessPool pinned({.workers = 1, .initializer = remote<&note_inner_threads>(), .cpus = {0}});
  expect(pinned, 1);
}

TEST_F(InnerThreads, are_what_the_programs_environment_says_unless_the_option_does) {
  ::setenv("MKL_NUM_THREADS", "9", 1);
  ProcessPool pool({.workers = 100});
  EXPECT_EQ(pool.submit<&variable>(std::string("MKL_NUM_THREADS")).result(), "9");
  EXPECT_EQ(pool.submit<&variable>(std::string("OMP_NUM_THREADS")).result(), "1");
}

TEST_F(InnerThreads, are_nobodys_affair_with_0) {
  ProcessPool pool({.workers = 1, .inner_threads = 0});
  for (const std::string& name : kVariables) EXPECT_EQ(pool.submit<&variable>(name).result(), "none");
  EXPECT_EQ(pool.submit<&told_to_tasks>().result(), usable_cores().count);
  EXPECT_EQ(inner_threads(), usable_cores().count);
}

TEST_F(InnerThreads, of_a_worker_that_starts_after_a_resize_are_its_share_then) {
  if (usable_cores().count == 1) GTEST_SKIP() << "there is one core only: each share is 1";
  ProcessPool pool({.workers = 100, .max_tasks_per_child = 1});
  EXPECT_EQ(pool.submit<&told_to_tasks>().result(), 1);
  pool.resize(1);
  EXPECT_EQ(pool.submit<&told_to_tasks>().result(), usable_cores().count);
}

TEST_F(InnerThreads, fewer_than_0_are_refused) {
  POOLS_EXPECT_THROW_WHAT(ProcessPool({.workers = 1, .inner_threads = -1}), std::invalid_argument,
                          testing::HasSubstr("inner threads is -1; allowed: 0"));
}

}  // namespace
}  // namespace pools::test
