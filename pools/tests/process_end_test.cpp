// Futures that a process pool never comes to complete, or that are cancelled at the very moment of their dispatch; a pool that a thread of
// its own destroys.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <vector>

#include "pools/process_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/process_checks.h"

namespace pools::test {
namespace {

class ProcessPoolEnd : public ProcessTest {};

TEST_F(ProcessPoolEnd, a_continuation_of_a_promise_that_is_dropped_fails_also_after_the_pool_is_gone) {
  for (const bool pool_first : {false, true}) {
    std::optional<ProcessPool> pool(std::in_place, 1);
    std::optional<Promise<int>> promise(std::in_place);
    const auto continued = promise->future().then_in<&square>(*pool);
    bool told = false;
    continued.add_done_callback([&](const Future<int>& done) { told = done.exception() != nullptr; });
    if (pool_first) pool.reset();
    promise.reset();
    POOLS_EXPECT_THROW_WHAT(continued.result(), Error, testing::HasSubstr("dropped before it was done"));
    EXPECT_FALSE(continued.cancel());
    pool.reset();  // its callback has been called, too
    EXPECT_TRUE(told);
  }
}

TEST_F(ProcessPoolEnd, a_continuation_can_be_cancelled_until_the_promise_is_dropped_and_after_the_pool_is_gone) {
  std::optional<ProcessPool> pool(std::in_place, 1);
  std::optional<Promise<int>> promise(std::in_place);
  const auto continued = promise->future().then_in<&square>(*pool);
  pool.reset();
  EXPECT_TRUE(continued.cancel());
  promise.reset();
  EXPECT_TRUE(continued.cancelled());
  EXPECT_TRUE(continued.cancel());
}

TEST_F(ProcessPoolEnd, cancellations_that_race_the_drop_of_a_promise_and_the_end_of_its_pool) {
  for (int round = 0; round < 200; ++round) {
    std::optional<ProcessPool> pool(std::in_place, 1);
    std::optional<Promise<int>> promise(std::in_place);
    const auto continued = promise->future().then_in<&square>(*pool);
    pool.reset();
    std::latch start{2};
    bool cancelled = false;
    {
      std::jthread canceller([&] {
        start.arrive_and_wait();
        cancelled = continued.cancel();
      });
      start.arrive_and_wait();
      promise.reset();
    }
    EXPECT_TRUE(continued.done());
    EXPECT_EQ(continued.cancelled(), cancelled);
  }
}

// Cancels the future that it has been given as soon as its task is dispatched.
struct CancelsAtTheDispatch final : PoolObserver {
  void submitted(std::uint64_t) noexcept override {
    if (future) future->cancel();
  }
  std::optional<Future<int>> future;
};

TEST_F(ProcessPoolEnd, a_cancellation_at_the_dispatch_gives_no_place_of_a_bounded_queue_back_that_was_not_taken) {
  const auto observer = std::make_shared<CancelsAtTheDispatch>();
  Gate gate;
  ProcessPool pool({.workers = 1, .queue = {.limit = 2, .when_full = WhenFull::reject}, .observer = observer});
  pool.submit<&identity>(0).result();  // its worker idles now
  for (int round = 0; round < 5; ++round) {
    const Promise<int> promise;
    observer->future = promise.future().then_in<&square>(pool);
    promise.set_value(3);
    EXPECT_TRUE(observer->future->cancelled());
    observer->future.reset();
  }
  const auto blocker = pool.submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  for (int place = 0; place < 2; ++place) pool.submit<&identity>(place);
  EXPECT_THROW(pool.submit<&identity>(3), QueueFullError);
  const PoolMetrics metrics = pool.metrics();
  EXPECT_EQ(metrics.cancelled, 5U);
  EXPECT_EQ(metrics.queued, 2U);
  gate.open();
  blocker.result();
}

TEST_F(ProcessPoolEnd, a_callback_may_destroy_its_pool_and_those_behind_it_still_run) {
  for (int round = 0; round < 10; ++round) {
    auto pool = std::make_unique<ProcessPool>(1);
    std::latch queued{1};
    std::atomic<int> called{0};
    pool->submit_with_callback<&identity>(
        [&](const Future<int>&) {
          queued.wait();
          pool.reset();
          ++called;
        },
        1);
    const auto last = pool->submit_with_callback<&identity>([&](const Future<int>&) { ++called; }, 2);
    queued.count_down();
    EXPECT_EQ(last.result(), 2);
    wait_until([&] { return called == 2; });
    EXPECT_TRUE(has_no_children());
  }
}

}  // namespace
}  // namespace pools::test
