#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

// A pool whose only worker stands at a gate, so that what is submitted stays pending.
template <class Pool>
struct BlockedPool {
  BlockedPool() : blocker(pool.template submit<&pass_and_return>(gate.name(), 0)) { gate.await(); }

  Gate gate;  // first: it outlives the pool, whose task stands at it
  Pool pool{1};
  Future<int> blocker;
  struct Opener {
    Gate& gate;
    ~Opener() { gate.open(); }
  } opener{gate};  // last, so the first to go: the pool's destructor waits for the task that stands at the gate
};

template <class Pool>
class FutureContract : public testing::Test {};
TYPED_TEST_SUITE_P(FutureContract);

TYPED_TEST_P(FutureContract, result_is_what_the_task_returned) {
  TypeParam pool{2};
  EXPECT_EQ(pool.template submit<&add>(40, 2).result(), 42);
  EXPECT_EQ(pool.template submit<&repeat>(std::string("ab"), 3).result(), "ababab");
}

TYPED_TEST_P(FutureContract, a_task_without_a_result_has_a_void_future) {
  TypeParam pool{1};
  Future<void> future = pool.template submit<&nothing>();
  future.result();
  EXPECT_TRUE(future.done());
  EXPECT_EQ(future.exception(), nullptr);
}

TYPED_TEST_P(FutureContract, a_stored_exception_is_rethrown_at_each_call) {
  TypeParam pool{1};
  const Future<int> future = pool.template submit<&fail>(std::string("the task's own words"));
  for (int call = 0; call < 3; ++call) {
    POOLS_EXPECT_THROW_WHAT(future.result(), std::runtime_error, testing::HasSubstr("the task's own words"));
  }
  EXPECT_TRUE(future.done());
  EXPECT_FALSE(future.cancelled());
}

TYPED_TEST_P(FutureContract, exception_is_what_the_task_threw_and_null_if_it_did_not) {
  TypeParam pool{1};
  EXPECT_EQ(pool.template submit<&identity>(1).exception(), nullptr);
  const std::exception_ptr error = pool.template submit<&fail>(std::string("thrown")).exception();
  ASSERT_NE(error, nullptr);
  POOLS_EXPECT_THROW_WHAT(std::rethrow_exception(error), std::runtime_error, testing::HasSubstr("thrown"));
}

TYPED_TEST_P(FutureContract, result_and_exception_of_a_pending_future_time_out_at_zero_and_negative_is_zero) {
  BlockedPool<TypeParam> blocked;
  const Future<int> pending = blocked.pool.template submit<&identity>(1);
  for (const auto timeout : {std::chrono::nanoseconds(0), std::chrono::nanoseconds(-5), std::chrono::nanoseconds::min()}) {
    EXPECT_THROW(pending.result(timeout), TimeoutError);
    EXPECT_THROW(pending.exception(timeout), TimeoutError);
  }
  EXPECT_FALSE(pending.done());
  blocked.gate.open();
  EXPECT_EQ(pending.result(), 1);
  EXPECT_EQ(pending.result(std::chrono::nanoseconds(0)), 1);
  EXPECT_EQ(pending.result(std::chrono::nanoseconds::max()), 1);
}

TYPED_TEST_P(FutureContract, running_only_while_running) {
  BlockedPool<TypeParam> blocked;
  const Future<int> pending = blocked.pool.template submit<&identity>(1);
  wait_until([&] { return blocked.blocker.running(); });
  EXPECT_FALSE(blocked.blocker.done());
  EXPECT_FALSE(pending.running());
  EXPECT_FALSE(pending.done());
  blocked.gate.open();
  blocked.blocker.result();
  EXPECT_FALSE(blocked.blocker.running());
  EXPECT_TRUE(blocked.blocker.done());
}

TYPED_TEST_P(FutureContract, cancel_is_true_for_pending_and_cancelled_and_false_for_running_and_finished) {
  BlockedPool<TypeParam> blocked;
  const Future<int> pending = blocked.pool.template submit<&identity>(1);
  EXPECT_FALSE(pending.cancelled());
  EXPECT_TRUE(pending.cancel());
  EXPECT_TRUE(pending.cancel());
  EXPECT_TRUE(pending.cancelled());
  EXPECT_TRUE(pending.done());
  EXPECT_FALSE(pending.running());

  wait_until([&] { return blocked.blocker.running(); });
  EXPECT_FALSE(blocked.blocker.cancel());
  EXPECT_FALSE(blocked.blocker.cancelled());
  blocked.gate.open();
  blocked.blocker.result();
  EXPECT_FALSE(blocked.blocker.cancel());
  EXPECT_FALSE(blocked.blocker.cancelled());
}

TYPED_TEST_P(FutureContract, a_cancelled_task_never_runs) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  BlockedPool<TypeParam> blocked;
  const Future<int> first = blocked.pool.template submit<&log_value>(log, 1);
  const Future<int> second = blocked.pool.template submit<&log_value>(log, 2);
  const Future<int> third = blocked.pool.template submit<&log_value>(log, 3);
  EXPECT_TRUE(second.cancel());
  blocked.gate.open();
  third.result();
  EXPECT_THAT(logged(log), testing::ElementsAre(1, 3));
}

TYPED_TEST_P(FutureContract, result_and_exception_of_a_cancelled_future_throw_CancelledError) {
  BlockedPool<TypeParam> blocked;
  const Future<int> pending = blocked.pool.template submit<&identity>(1);
  pending.cancel();
  EXPECT_THROW(pending.result(), CancelledError);
  EXPECT_THROW(pending.exception(), CancelledError);
  EXPECT_THROW(pending.result(std::chrono::nanoseconds(0)), CancelledError);
}

TYPED_TEST_P(FutureContract, waiters_of_a_cancelled_future_wake) {
  BlockedPool<TypeParam> blocked;
  const Future<int> pending = blocked.pool.template submit<&identity>(1);
  std::atomic<int> woken{0};
  std::vector<std::thread> waiters;
  for (int waiter = 0; waiter < 3; ++waiter) {
    waiters.emplace_back([&] {
      EXPECT_THROW(pending.result(), CancelledError);
      ++woken;
    });
  }
  EXPECT_TRUE(pending.cancel());
  for (std::thread& waiter : waiters) waiter.join();  // the only worker still stands at the gate
  EXPECT_EQ(woken, 3);
}

TYPED_TEST_P(FutureContract, callbacks_run_in_order_of_registration_once_per_registration) {
  std::vector<int> order;
  {
    BlockedPool<TypeParam> blocked;
    const Future<int> future = blocked.pool.template submit<&identity>(1);
    const auto twice = [&order](const Future<int>&) { order.push_back(7); };
    for (int number = 0; number < 5; ++number) {
      future.add_done_callback([&order, number](const Future<int>&) { order.push_back(number); });
    }
    future.add_done_callback(twice);
    future.add_done_callback(twice);
    blocked.gate.open();
    blocked.pool.shutdown();
  }
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 7, 7));
}

TYPED_TEST_P(FutureContract, a_callback_gets_the_finished_future) {
  TypeParam pool{1};
  int result = 0;
  std::string error;
  pool.template submit_with_callback<&square>([&](Future<int> done) { result = done.result(); }, 5);
  pool.template submit_with_callback<&fail>(
      [&](Future<int> done) {
        try {
          done.result();
        } catch (const std::exception& thrown) {
          error = thrown.what();
        }
      },
      std::string("as thrown"));
  pool.shutdown();
  EXPECT_EQ(result, 25);
  EXPECT_THAT(error, testing::HasSubstr("as thrown"));
}

TYPED_TEST_P(FutureContract, a_callback_attached_with_the_submit_never_runs_on_the_submitting_thread) {
  TypeParam pool{2};
  const std::thread::id submitter = std::this_thread::get_id();
  std::atomic<int> here{0};
  std::atomic<int> elsewhere{0};
  for (int task = 0; task < 200; ++task) {
    pool.template submit_with_callback<&identity>(
        [&](const Future<int>&) { ++(std::this_thread::get_id() == submitter ? here : elsewhere); }, task);
  }
  pool.shutdown();
  EXPECT_EQ(here, 0);
  EXPECT_EQ(elsewhere, 200);
}

TYPED_TEST_P(FutureContract, a_late_callback_runs_at_once_in_the_caller) {
  TypeParam pool{1};
  const Future<int> future = pool.template submit<&identity>(3);
  future.result();
  std::thread::id ran_on;
  future.add_done_callback([&](const Future<int>&) { ran_on = std::this_thread::get_id(); });
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TYPED_TEST_P(FutureContract, a_callback_that_throws_is_reported_and_the_others_still_run) {
  const ErrorHookSpy spy;
  std::vector<int> order;
  {
    BlockedPool<TypeParam> blocked;
    const Future<int> future = blocked.pool.template submit<&identity>(1);
    future.add_done_callback([&](const Future<int>&) { order.push_back(1); });
    future.add_done_callback([](const Future<int>&) { throw std::runtime_error("a standard one"); });
    future.add_done_callback([&](const Future<int>&) { order.push_back(2); });
    future.add_done_callback([](const Future<int>&) { throw 42; });
    future.add_done_callback([&](const Future<int>&) { order.push_back(3); });
    blocked.gate.open();
    blocked.pool.shutdown();
    EXPECT_EQ(future.result(), 1);
  }
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(spy.reports(), testing::ElementsAre("a done callback: a standard one", "a done callback: ?"));
}

TYPED_TEST_P(FutureContract, a_late_callback_that_throws_is_reported_too) {
  const ErrorHookSpy spy;
  TypeParam pool{1};
  const Future<int> future = pool.template submit<&identity>(3);
  future.result();
  future.add_done_callback([](const Future<int>&) { throw std::runtime_error("late"); });
  EXPECT_THAT(spy.reports(), testing::ElementsAre("a done callback: late"));
}

TYPED_TEST_P(FutureContract, a_callback_added_during_the_callbacks_runs_too) {
  std::vector<int> order;
  {
    BlockedPool<TypeParam> blocked;
    const Future<int> future = blocked.pool.template submit<&identity>(1);
    future.add_done_callback([&](const Future<int>& done) {
      order.push_back(1);
      done.add_done_callback([&](const Future<int>&) { order.push_back(2); });
    });
    future.add_done_callback([&](const Future<int>&) { order.push_back(3); });
    blocked.gate.open();
    blocked.pool.shutdown();
  }
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));  // late already: at once, in its caller
}

TYPED_TEST_P(FutureContract, cancel_callbacks_run_once_in_the_cancelling_thread_with_no_lock_held) {
  BlockedPool<TypeParam> blocked;
  const Future<int> future = blocked.pool.template submit<&identity>(1);
  std::vector<std::thread::id> ran_on;
  future.add_done_callback([&](const Future<int>& done) {
    ran_on.push_back(std::this_thread::get_id());
    EXPECT_TRUE(done.cancelled());
    // Would block for ever, were a lock of the future or of the pool held.
    done.add_done_callback([&](const Future<int>&) { ran_on.push_back(std::this_thread::get_id()); });
    blocked.pool.template submit<&identity>(2);
  });
  EXPECT_TRUE(future.cancel());
  EXPECT_TRUE(future.cancel());
  EXPECT_THAT(ran_on, testing::ElementsAre(std::this_thread::get_id(), std::this_thread::get_id()));
}

REGISTER_TYPED_TEST_SUITE_P(
    FutureContract, result_is_what_the_task_returned, a_task_without_a_result_has_a_void_future,
    a_stored_exception_is_rethrown_at_each_call, exception_is_what_the_task_threw_and_null_if_it_did_not,
    result_and_exception_of_a_pending_future_time_out_at_zero_and_negative_is_zero, running_only_while_running,
    cancel_is_true_for_pending_and_cancelled_and_false_for_running_and_finished, a_cancelled_task_never_runs,
    result_and_exception_of_a_cancelled_future_throw_CancelledError, waiters_of_a_cancelled_future_wake,
    callbacks_run_in_order_of_registration_once_per_registration, a_callback_gets_the_finished_future,
    a_callback_attached_with_the_submit_never_runs_on_the_submitting_thread, a_late_callback_runs_at_once_in_the_caller,
    a_callback_that_throws_is_reported_and_the_others_still_run, a_late_callback_that_throws_is_reported_too,
    a_callback_added_during_the_callbacks_runs_too, cancel_callbacks_run_once_in_the_cancelling_thread_with_no_lock_held);

}  // namespace pools::test
