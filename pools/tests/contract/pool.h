#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "pools/future.h"
#include "pools/options.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

template <class Pool>
class PoolContract : public testing::Test {};
TYPED_TEST_SUITE_P(PoolContract);

TYPED_TEST_P(PoolContract, fewer_than_one_worker_is_refused) {
  for (const int workers : {0, -1, -100}) {
    POOLS_EXPECT_THROW_WHAT(TypeParam{workers}, std::invalid_argument, testing::HasSubstr(std::to_string(workers)));
  }
}

TYPED_TEST_P(PoolContract, options_with_fewer_than_one_worker_are_refused_and_without_a_number_there_are_some) {
  for (const int workers : {0, -1, -100}) {
    POOLS_EXPECT_THROW_WHAT(TypeParam({.workers = workers}), std::invalid_argument, testing::HasSubstr(std::to_string(workers)));
  }
  EXPECT_GE(TypeParam().workers(), 1);
  EXPECT_EQ(TypeParam({.workers = std::nullopt}).workers(), TypeParam().workers());
}

TYPED_TEST_P(PoolContract, workers_is_what_was_asked_for) { EXPECT_EQ(TypeParam{3}.workers(), 3); }

TYPED_TEST_P(PoolContract, one_worker_starts_strictly_in_order_of_submission) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  std::vector<int> expected;
  {
    BlockedPool<TypeParam> blocked;
    for (int task = 0; task < 100; ++task) {
      blocked.pool.template submit<&log_value>(log, task);
      expected.push_back(task);
    }
    blocked.gate.open();
  }
  EXPECT_EQ(logged(log), expected);
}

TYPED_TEST_P(PoolContract, as_many_tasks_run_at_once_as_there_are_workers) {
  Gate gate;
  TypeParam pool{4};
  std::vector<Future<int>> futures;
  for (int task = 0; task < 4; ++task) futures.push_back(pool.template submit<&pass_and_return>(gate.name(), task));
  gate.await(4);  // all four stand at the gate
  gate.open();
  for (int task = 0; task < 4; ++task) EXPECT_EQ(futures[static_cast<std::size_t>(task)].result(), task);
}

TYPED_TEST_P(PoolContract, no_task_waits_while_a_worker_idles) {
  Gate gate;
  TypeParam pool{2};
  pool.start_all();
  const Future<int> stuck = pool.template submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  for (int task = 0; task < 100; ++task) EXPECT_EQ(pool.template submit<&identity>(task).result(), task);
  EXPECT_FALSE(stuck.done());
  gate.open();
}

TYPED_TEST_P(PoolContract, tasks_of_several_submitters_all_run) {
  TypeParam pool{3};
  constexpr int kSubmitters = 4;
  constexpr int kTasks = 500;
  std::atomic<long> sum{0};
  std::vector<std::thread> submitters;
  for (int submitter = 0; submitter < kSubmitters; ++submitter) {
    submitters.emplace_back([&, submitter] {
      std::vector<Future<int>> futures;
      for (int task = 0; task < kTasks; ++task) futures.push_back(pool.template submit<&add>(submitter, task));
      for (const Future<int>& future : futures) sum += future.result();
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  long expected = 0;
  for (int submitter = 0; submitter < kSubmitters; ++submitter) {
    for (int task = 0; task < kTasks; ++task) expected += submitter + task;
  }
  EXPECT_EQ(sum, expected);
}

TYPED_TEST_P(PoolContract, start_all_may_be_called_again_and_before_or_after_work) {
  TypeParam pool{2};
  pool.start_all();
  pool.start_all();
  EXPECT_EQ(pool.template submit<&identity>(1).result(), 1);
  pool.start_all();
  EXPECT_EQ(pool.template submit<&identity>(2).result(), 2);
}

TYPED_TEST_P(PoolContract, submit_after_shutdown_throws) {
  TypeParam pool{1};
  EXPECT_EQ(pool.template submit<&identity>(1).result(), 1);
  pool.shutdown();
  POOLS_EXPECT_THROW_WHAT(pool.template submit<&identity>(2), ShutdownError,
                          testing::HasSubstr("cannot schedule new futures after shutdown"));
  bool called = false;
  EXPECT_THROW(pool.template submit_with_callback<&identity>([&](const Future<int>&) { called = true; }, 3), ShutdownError);
  EXPECT_FALSE(called);
}

TYPED_TEST_P(PoolContract, shutdown_is_idempotent) {
  TypeParam pool{2};
  const Future<int> future = pool.template submit<&identity>(1);
  pool.shutdown({.wait = false});
  pool.shutdown();
  pool.shutdown();
  pool.shutdown({.wait = false, .cancel_futures = true});
  EXPECT_EQ(future.result(std::chrono::nanoseconds(0)), 1);
}

TYPED_TEST_P(PoolContract, shutdown_of_a_pool_that_was_never_used_returns) {
  TypeParam pool{2};
  pool.shutdown();
}

TYPED_TEST_P(PoolContract, queued_work_still_runs_after_shutdown) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  BlockedPool<TypeParam> blocked;
  for (int task = 0; task < 5; ++task) blocked.pool.template submit<&log_value>(log, task);
  blocked.pool.shutdown({.wait = false});
  EXPECT_TRUE(logged(log).empty());
  blocked.gate.open();
  blocked.pool.shutdown();
  EXPECT_THAT(logged(log), testing::ElementsAre(0, 1, 2, 3, 4));
}

TYPED_TEST_P(PoolContract, the_destructor_of_a_pool_with_work_drains_it) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  {
    TypeParam pool{2};
    for (int task = 0; task < 50; ++task) pool.template submit<&log_value>(log, task);
  }
  EXPECT_EQ(logged(log).size(), 50u);
}

TYPED_TEST_P(PoolContract, cancel_futures_cancels_the_queued_and_lets_the_running_finish) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  BlockedPool<TypeParam> blocked;
  wait_until([&] { return blocked.blocker.running(); });
  std::vector<Future<int>> queued;
  std::atomic<int> told{0};
  for (int task = 0; task < 5; ++task) {
    queued.push_back(blocked.pool.template submit<&log_value>(log, task));
    queued.back().add_done_callback([&](const Future<int>& done) { told += done.cancelled() ? 1 : 100; });
  }
  blocked.pool.shutdown({.wait = false, .cancel_futures = true});
  for (const Future<int>& future : queued) EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(told, 5);
  blocked.gate.open();
  blocked.pool.shutdown();
  EXPECT_EQ(blocked.blocker.result(), 0);
  EXPECT_TRUE(logged(log).empty());
}

TYPED_TEST_P(PoolContract, shutdown_returns_after_the_callbacks) {
  std::atomic<int> called{0};
  TypeParam pool{2};
  for (int task = 0; task < 100; ++task) {
    pool.template submit_with_callback<&identity>(
        [&](const Future<int>&) {
          std::this_thread::yield();
          ++called;
        },
        task);
  }
  pool.shutdown();
  EXPECT_EQ(called, 100);
}

TYPED_TEST_P(PoolContract, callbacks_may_submit) {
  TypeParam pool{1};
  Future<int> inner;
  std::atomic<bool> submitted{false};
  pool.template submit_with_callback<&square>(
      [&](Future<int> done) {
        inner = pool.template submit<&square>(done.result());
        submitted = true;
      },
      3);
  wait_until([&] { return submitted.load(); });
  EXPECT_EQ(inner.result(), 81);
}

TYPED_TEST_P(PoolContract, callbacks_may_shut_down_without_waiting) {
  const ErrorHookSpy spy;
  TypeParam pool{2};
  std::atomic<int> called{0};
  for (int task = 0; task < 10; ++task) {
    // Those submitted after the first callback are refused; that is the point.
    try {
      pool.template submit_with_callback<&identity>(
          [&](const Future<int>&) {
            pool.shutdown({.wait = false});
            ++called;
          },
          task);
    } catch (const ShutdownError&) {
      break;
    }
  }
  pool.shutdown();
  EXPECT_GE(called, 1);
  EXPECT_THAT(spy.reports(), testing::IsEmpty());
}

REGISTER_TYPED_TEST_SUITE_P(PoolContract, fewer_than_one_worker_is_refused,
                            options_with_fewer_than_one_worker_are_refused_and_without_a_number_there_are_some,
                            workers_is_what_was_asked_for, one_worker_starts_strictly_in_order_of_submission,
                            as_many_tasks_run_at_once_as_there_are_workers, no_task_waits_while_a_worker_idles,
                            tasks_of_several_submitters_all_run, start_all_may_be_called_again_and_before_or_after_work,
                            submit_after_shutdown_throws, shutdown_is_idempotent, shutdown_of_a_pool_that_was_never_used_returns,
                            queued_work_still_runs_after_shutdown, the_destructor_of_a_pool_with_work_drains_it,
                            cancel_futures_cancels_the_queued_and_lets_the_running_finish, shutdown_returns_after_the_callbacks,
                            callbacks_may_submit, callbacks_may_shut_down_without_waiting);

}  // namespace pools::test
