// Tasks that kill their workers: retries, quarantine, crash loops.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "pools/process_pool.h"
#include "pools/src/process/retry_delay.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class ProcessRetry : public ProcessTest {};

int die_until(const std::string& log, int deaths) {
  std::ofstream(log, std::ios::app) << "x\n" << std::flush;
  std::ifstream file(log);
  int lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  if (lines <= deaths) ::raise(SIGKILL);
  return lines;
}

TEST_F(ProcessRetry, a_task_that_killed_its_worker_is_retried_as_often_as_allowed) {
  const TemporaryDirectory directory;
  ProcessPool pool({.workers = 1, .retry = {.retries = 2, .backoff = 1ms}, .quarantine_after = 10});
  EXPECT_EQ(pool.submit<&die_until>(directory.file("twice"), 2).result(), 3);
  EXPECT_THROW(pool.submit<&die_until>(directory.file("thrice"), 3).result(), WorkerDied);
  EXPECT_EQ(pool.with({.retries = 3}).submit<&die_until>(directory.file("four"), 3).result(), 4);
  EXPECT_THROW(pool.with({.retries = 0}).submit<&die_until>(directory.file("none"), 1).result(), WorkerDied);
  EXPECT_EQ(pool.metrics().retried, 7U);
  expect_balance(pool);
}

TEST_F(ProcessRetry, an_exception_is_not_retried) {
  ProcessPool pool({.workers = 1, .retry = {.retries = 5, .backoff = 1ms}});
  EXPECT_THROW(pool.submit<&fail>(std::string("once")).result(), RemoteError);
  EXPECT_EQ(pool.metrics().retried, 0U);
}

TEST_F(ProcessRetry, a_poison_task_goes_into_quarantine) {
  ProcessPool pool({.workers = 1, .retry = {.retries = 100, .backoff = 0ms, .max_backoff = 0ms}, .quarantine_after = 3});
  try {
    pool.submit<&die_by>(SIGSEGV).result();
    ADD_FAILURE();
  } catch (const QuarantinedError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("3 workers"));
    EXPECT_EQ(error.signal(), SIGSEGV);
  }
  EXPECT_EQ(pool.submit<&square>(3).result(), 9);
}

TEST_F(ProcessRetry, a_crash_loop_breaks_the_pool_with_its_cause) {
  ProcessPool pool({.workers = 2, .crash_limit = 5});
  std::vector<Future<int>> futures;
  for (int task = 0; task < 20; ++task) futures.push_back(pool.submit<&die_by>(SIGKILL));
  int broken = 0;
  for (const auto& future : futures) {
    try {
      future.result();
    } catch (const WorkerDied&) {
    } catch (const BrokenPoolError& error) {
      ++broken;
      EXPECT_THAT(error.what(), testing::HasSubstr("signal 9"));
    }
  }
  EXPECT_GE(broken, 20 - 5 - 2);
  EXPECT_THROW(pool.submit<&square>(1), BrokenPoolError);
}

TEST_F(ProcessRetry, a_success_ends_a_row_of_deaths) {
  ProcessPool pool({.workers = 1, .crash_limit = 3});
  for (int round = 0; round < 8; ++round) {
    EXPECT_THROW(pool.submit<&die_by>(SIGKILL).result(), WorkerDied);
    EXPECT_EQ(pool.submit<&square>(2).result(), 4);
  }
  EXPECT_EQ(pool.metrics().crashed, 8U);
  EXPECT_EQ(pool.metrics().respawned, 8U);
}

TEST(RetryDelay, doubles_from_death_to_death_up_to_its_limit_and_never_overflows) {
  const RetryPolicy retry{.retries = 9, .backoff = 10ms, .max_backoff = 70ms};
  EXPECT_EQ(detail::retry_delay(retry, 1), 10ms);
  EXPECT_EQ(detail::retry_delay(retry, 2), 20ms);
  EXPECT_EQ(detail::retry_delay(retry, 3), 40ms);
  EXPECT_EQ(detail::retry_delay(retry, 4), 70ms);
  EXPECT_EQ(detail::retry_delay(retry, 1000), 70ms);
  EXPECT_EQ(detail::retry_delay({.backoff = 1s, .max_backoff = 1ms}, 1), 1ms);
  constexpr auto kMost = std::chrono::nanoseconds::max();
  EXPECT_EQ(detail::retry_delay({.backoff = kMost / 2 + 1ns, .max_backoff = kMost}, 3), kMost);
}

}  // namespace
}  // namespace pools::test
