// What a process pool's supervisor sees to: that start_all comes to its end, that a retry that nobody waits for holds nothing up, and that no
// initializer, whatever it throws, is the host's concern.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

class ProcessSupervision : public ProcessTest {};

int die(int signal) {
  ::raise(signal);
  return 0;
}
int own_pid(int) { return ::getpid(); }

// --- start_all ---

TEST_F(ProcessSupervision, start_all_starts_what_a_resize_meanwhile_asks_for) {
  Gate gate;
  ProcessPool pool({.workers = 2, .initializer = remote<&pass>(gate.name())});
  std::thread starter([&] { pool.start_all(); });
  gate.await(2);
  pool.resize(4);
  gate.await(2);
  gate.open();
  starter.join();
  EXPECT_EQ(pool.metrics().workers, 4);
}

TEST_F(ProcessSupervision, start_all_replaces_a_worker_that_has_just_been_recycled) {
  ProcessPool pool({.workers = 2, .max_tasks_per_child = 1});
  for (int round = 0; round < 20; ++round) {
    pool.submit<&own_pid>(round).result();
    pool.start_all();
  }
}

// Of two workers the first is slow. The other one dies as often as makes the pool go on without it for a while.
void slow_or_mortal(const std::string& gate, const std::string& log) {
  log_value(log, ::getpid());
  const std::size_t which = logged(log).size();
  if (which == 1) pass(gate);
  if (which >= 2 && which <= 4) ::raise(SIGKILL);
}

TEST_F(ProcessSupervision, start_all_starts_again_what_died_while_another_initializer_was_slow) {
  Gate gate;
  const TemporaryDirectory directory;
  const ErrorHook before = set_error_hook([](std::string_view, const std::exception_ptr&) noexcept {});
  {
    ProcessPool pool({.workers = 1, .initializer = remote<&slow_or_mortal>(gate.name(), directory.file("log"))});
    std::thread starter([&] { pool.start_all(); });
    gate.await();
    pool.resize(2);
    wait_until([&] { return logged(directory.file("log")).size() == 5; });
    gate.open();
    starter.join();
    EXPECT_EQ(pool.metrics().workers, 2);
  }
  set_error_hook(before);
}

// --- retries that wait out their back-off ---

ProcessPoolOptions patient() { return {.workers = 1, .retry = {.retries = 1, .backoff = 1h, .max_backoff = 1h}}; }
Future<int> wait_for_retry(ProcessPool& pool) {
  Future<int> task = pool.submit<&die>(SIGKILL);
  wait_until([&] {
    const PoolMetrics metrics = pool.metrics();
    return metrics.crashed == 1 && metrics.running == 0;
  });
  EXPECT_EQ(pool.metrics().queued, 1U);
  return task;
}

TEST_F(ProcessSupervision, a_cancelled_retry_does_not_hold_up_a_shutdown) {
  ProcessPool pool(patient());
  EXPECT_TRUE(wait_for_retry(pool).cancel());
  pool.shutdown();
  EXPECT_EQ(pool.metrics().cancelled, 1U);
}

TEST_F(ProcessSupervision, a_retry_that_is_cancelled_during_a_shutdown_ends_it) {
  ProcessPool pool(patient());
  const Future<int> task = wait_for_retry(pool);
  pool.shutdown({.wait = false});
  EXPECT_TRUE(task.cancel());
  pool.shutdown();
  EXPECT_EQ(pool.metrics().cancelled, 1U);
}

TEST_F(ProcessSupervision, a_shutdown_that_cancels_cancels_what_waits_for_its_retry) {
  ProcessPool pool(patient());
  const Future<int> task = wait_for_retry(pool);
  pool.shutdown({.wait = true, .cancel_futures = true});
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(pool.metrics().cancelled, 1U);
}

// --- initializers ---

std::string break_by(ProcessPoolOptions options) {
  options.workers = 1;
  ProcessPool pool(std::move(options));
  try {
    pool.submit<&square>(3).result();
  } catch (const BrokenPoolError& error) {
    return error.what();
  }
  return "it did not break";
}

void throw_too_large() { throw PayloadTooLargeError("more than fits"); }
std::string return_too_much() { return std::string(1000, 'x'); }
struct Speechless : std::exception {
  const char* what() const noexcept override { return nullptr; }
};
void throw_nothing_to_say() { throw Speechless(); }
int throw_nothing_to_say_either(int) { throw Speechless(); }

TEST_F(ProcessSupervision, an_initializer_that_throws_an_exception_of_the_pools_own_breaks_the_pool_with_it) {
  EXPECT_THAT(break_by({.initializer = remote<&throw_too_large>()}), testing::HasSubstr("more than fits"));
}

TEST_F(ProcessSupervision, an_initializer_whose_result_is_too_large_breaks_the_pool_and_says_so) {
  EXPECT_THAT(break_by({.initializer = remote<&return_too_much>(), .max_payload = 100}), testing::HasSubstr("max_payload"));
}

TEST_F(ProcessSupervision, an_exception_without_words_is_one_like_any_other) {
  EXPECT_THAT(break_by({.initializer = remote<&throw_nothing_to_say>()}), testing::HasSubstr("Speechless"));
  ProcessPool pool(1);
  EXPECT_THROW(pool.submit<&throw_nothing_to_say_either>(0).result(), RemoteError);
  EXPECT_EQ(pool.metrics().crashed, 0U);
}

}  // namespace
}  // namespace pools::test
