#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pools/future.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

template <class Pool>
class WaitContract : public testing::Test {};
TYPED_TEST_SUITE_P(WaitContract);

TYPED_TEST_P(WaitContract, all_completed_returns_when_all_are_done) {
  TypeParam pool{2};
  std::vector<Future<int>> futures;
  for (int task = 0; task < 20; ++task) futures.push_back(pool.template submit<&identity>(task));
  const auto result = wait(futures);
  EXPECT_EQ(result.done, futures);
  EXPECT_TRUE(result.not_done.empty());
}

TYPED_TEST_P(WaitContract, first_completed_returns_when_one_is_done) {
  Gate gate;
  TypeParam pool{2};
  const Future<int> stuck = pool.template submit<&pass_and_return>(gate.name(), 1);
  const Future<int> quick = pool.template submit<&identity>(2);
  const auto result = wait(std::vector{stuck, quick}, ReturnWhen::first_completed);
  gate.open();
  EXPECT_THAT(result.done, testing::ElementsAre(quick));
  EXPECT_THAT(result.not_done, testing::ElementsAre(stuck));
}

TYPED_TEST_P(WaitContract, first_completed_returns_when_one_was_done_before) {
  BlockedPool<TypeParam> blocked;
  const Future<int> cancelled = blocked.pool.template submit<&identity>(1);
  cancelled.cancel();
  const auto result = wait(std::vector{blocked.blocker, cancelled}, ReturnWhen::first_completed);
  EXPECT_THAT(result.done, testing::ElementsAre(cancelled));
}

TYPED_TEST_P(WaitContract, first_exception_returns_when_one_has_failed) {
  Gate gate;
  TypeParam pool{2};
  const Future<int> stuck = pool.template submit<&pass_and_return>(gate.name(), 1);
  const Future<int> quick = pool.template submit<&identity>(2);
  const Future<int> failing = pool.template submit<&fail>(std::string("first"));
  const auto result = wait(std::vector{stuck, quick, failing}, ReturnWhen::first_exception);
  gate.open();
  EXPECT_THAT(result.done, testing::Contains(failing));
  EXPECT_THAT(result.not_done, testing::Contains(stuck));
}

TYPED_TEST_P(WaitContract, a_cancellation_is_no_exception_for_first_exception) {
  BlockedPool<TypeParam> blocked;
  const Future<int> cancelled = blocked.pool.template submit<&identity>(1);
  const Future<int> last = blocked.pool.template submit<&identity>(2);
  cancelled.cancel();
  const auto early = wait(std::vector{cancelled, last}, kNoTime, ReturnWhen::first_exception);
  EXPECT_THAT(early.not_done, testing::ElementsAre(last));
  std::thread opener([&] { blocked.gate.open(); });
  const auto result = wait(std::vector{cancelled, last}, ReturnWhen::first_exception);
  opener.join();
  EXPECT_EQ(result.done.size(), 2u);
}

TYPED_TEST_P(WaitContract, first_exception_returns_when_all_are_done_without_one) {
  TypeParam pool{2};
  const std::vector<Future<int>> futures{pool.template submit<&identity>(1), pool.template submit<&identity>(2)};
  EXPECT_EQ(wait(futures, ReturnWhen::first_exception).done.size(), 2u);
}

TYPED_TEST_P(WaitContract, a_timeout_returns_the_partial_sets) {
  BlockedPool<TypeParam> blocked;
  const Future<int> cancelled = blocked.pool.template submit<&identity>(1);
  cancelled.cancel();
  for (const ReturnWhen when : {ReturnWhen::all_completed, ReturnWhen::first_exception}) {
    const auto result = wait(std::vector{blocked.blocker, cancelled}, kNoTime, when);
    EXPECT_THAT(result.done, testing::ElementsAre(cancelled));
    EXPECT_THAT(result.not_done, testing::ElementsAre(blocked.blocker));
  }
}

TYPED_TEST_P(WaitContract, duplicates_collapse) {
  TypeParam pool{1};
  const Future<int> future = pool.template submit<&identity>(1);
  EXPECT_EQ(wait(std::vector{future, future, future}).done.size(), 1u);
  int yielded = 0;
  for (const Future<int>& done : as_completed(std::vector{future, future})) {
    EXPECT_EQ(done, future);
    ++yielded;
  }
  EXPECT_EQ(yielded, 1);
}

TYPED_TEST_P(WaitContract, waiting_for_nothing_returns_at_once) {
  const std::vector<Future<int>> none;
  EXPECT_TRUE(wait(none).done.empty());
  EXPECT_TRUE(wait(none, ReturnWhen::first_completed).done.empty());
  for (const Future<int>& future : as_completed(none)) FAIL() << future.done();
}

TYPED_TEST_P(WaitContract, as_completed_yields_the_finished_first_and_then_in_completion_order) {
  Gate first;
  Gate second;
  TypeParam pool{3};
  const Future<int> a = pool.template submit<&pass_and_return>(first.name(), 1);
  const Future<int> b = pool.template submit<&pass_and_return>(second.name(), 2);
  first.await();
  second.await();
  const Future<int> c = pool.template submit<&identity>(3);
  c.result();

  auto completed = as_completed(std::vector{a, b, c});
  auto at = completed.begin();
  EXPECT_EQ(*at, c);
  second.open();
  ++at;
  EXPECT_EQ(*at, b);
  first.open();
  ++at;
  EXPECT_EQ(*at, a);
  ++at;
  EXPECT_EQ(at, completed.end());
}

TYPED_TEST_P(WaitContract, as_completed_says_how_many_are_unfinished_when_its_deadline_comes) {
  BlockedPool<TypeParam> blocked;
  std::vector<Future<int>> futures{blocked.blocker};
  for (int task = 0; task < 3; ++task) futures.push_back(blocked.pool.template submit<&identity>(task));
  futures[1].cancel();
  futures[2].cancel();
  auto completed = as_completed(futures, kNoTime);
  auto at = completed.begin();  // what is done is still yielded
  EXPECT_EQ(*at, futures[1]);
  ++at;
  EXPECT_EQ(*at, futures[2]);
  POOLS_EXPECT_THROW_WHAT(++at, TimeoutError, testing::HasSubstr("2 (of 4) futures unfinished"));
}

TYPED_TEST_P(WaitContract, as_completed_yields_every_one_of_many) {
  TypeParam pool{2};
  std::vector<Future<int>> futures;
  for (int task = 0; task < 300; ++task) futures.push_back(pool.template submit<&identity>(task));
  std::vector<int> results;
  for (const Future<int>& done : as_completed(futures)) results.push_back(done.result());
  std::sort(results.begin(), results.end());
  ASSERT_EQ(results.size(), 300u);
  for (int task = 0; task < 300; ++task) EXPECT_EQ(results[static_cast<std::size_t>(task)], task);
}

TYPED_TEST_P(WaitContract, a_wait_that_was_given_up_leaves_nothing_behind) {
  BlockedPool<TypeParam> blocked;
  for (int round = 0; round < 100; ++round) {
    wait(std::vector{blocked.blocker}, kNoTime, ReturnWhen::first_completed);
    const auto completed = as_completed(std::vector{blocked.blocker});  // never iterated
  }
  blocked.gate.open();
  EXPECT_EQ(blocked.blocker.result(), 0);
}

REGISTER_TYPED_TEST_SUITE_P(WaitContract, all_completed_returns_when_all_are_done, first_completed_returns_when_one_is_done,
                            first_completed_returns_when_one_was_done_before, first_exception_returns_when_one_has_failed,
                            a_cancellation_is_no_exception_for_first_exception,
                            first_exception_returns_when_all_are_done_without_one, a_timeout_returns_the_partial_sets,
                            duplicates_collapse, waiting_for_nothing_returns_at_once,
                            as_completed_yields_the_finished_first_and_then_in_completion_order,
                            as_completed_says_how_many_are_unfinished_when_its_deadline_comes,
                            as_completed_yields_every_one_of_many, a_wait_that_was_given_up_leaves_nothing_behind);

}  // namespace pools::test
