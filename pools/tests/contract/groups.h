#pragma once

// Concurrency groups: at most so many tasks of a group at a time, in order, and nobody else waits for them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/future.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/event_log.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/group_checks.h"

namespace pools::test {

template <class Pool>
class GroupContract : public testing::Test {};
TYPED_TEST_SUITE_P(GroupContract);

TYPED_TEST_P(GroupContract, no_more_tasks_of_a_group_than_its_limit_run_and_others_go_past_those_that_wait) {
  Gate gate;
  TypeParam pool(grouped_options<TypeParam>(4, {{"db", 2}}));
  pool.start_all();
  const auto db = pool.with({.group = "db"});
  std::vector<Future<int>> of_group;
  for (int task = 0; task < 5; ++task) of_group.push_back(db.template submit<&pass_and_return>(gate.name(), task));
  gate.await(2);
  // Two workers are left, and three tasks that were submitted before.
  for (int task = 0; task < 50; ++task) EXPECT_EQ(pool.template submit<&identity>(task).result(), task);
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(2, 3, 2));
  expect_balance(pool);
  gate.open();
  for (int task = 0; task < 5; ++task) EXPECT_EQ(of_group[static_cast<std::size_t>(task)].result(), task);
  wait_until([&] { return group_counts(pool) == std::vector<std::uint64_t>{0, 0, 2}; });
}

TYPED_TEST_P(GroupContract, at_no_instant_do_more_run_whoever_submits_and_cancels) {
  const TemporaryDirectory directory;
  const std::string one = directory.file("one");
  const std::string three = directory.file("three");
  {
    TypeParam pool(grouped_options<TypeParam>(4, {{"one", 1}, {"three", 3}}));
    std::vector<std::jthread> submitters;
    for (int submitter = 0; submitter < 3; ++submitter) {
      submitters.emplace_back([&, submitter] {
        for (int task = 0; task < 60; ++task) {
          const auto first = pool.with({.priority = task % 3 - 1, .group = "one"}).template submit<&mark_in_and_out>(one);
          pool.with({.group = "three"}).template submit<&mark_in_and_out>(three);
          pool.template submit<&nothing>();
          if (task % 4 == submitter) first.cancel();
        }
      });
    }
  }
  EXPECT_EQ(most_at_a_time(one), 1);
  EXPECT_LE(most_at_a_time(three), 3);
}

TYPED_TEST_P(GroupContract, tasks_of_a_group_start_in_order_and_before_what_was_submitted_after_them) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  {
    ControlledPool<TypeParam> held(grouped_options<TypeParam>(1, {{"a", 1}, {"b", 1}}));
    int value = 0;
    for (int round = 0; round < 3; ++round) {
      held.pool.with({.group = "a"}).template submit<&log_value>(log, ++value);
      held.pool.template submit<&log_value>(log, ++value);
      held.pool.with({.group = "b"}).template submit<&log_value>(log, ++value);
    }
    held.pool.with({.priority = 1, .group = "a"}).template submit<&log_value>(log, 0);
    held.pool.with({.priority = -1, .group = "a"}).template submit<&log_value>(log, 99);
    held.pool.template submit<&log_value>(log, 10);
  }
  EXPECT_THAT(logged(log), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99));
}

TYPED_TEST_P(GroupContract, what_waited_for_its_group_goes_before_what_was_submitted_later) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  Gate of_group;
  Gate of_others;
  {
    TypeParam pool(grouped_options<TypeParam>(2, {{"db", 1}}));
    const auto db = pool.with({.group = "db"});
    db.template submit<&pass_and_return>(of_group.name(), 0);
    of_group.await();
    const auto second = db.template submit<&log_value>(log, 1);
    pool.template submit<&identity>(0).result();  // went past it
    pool.template submit<&pass_and_return>(of_others.name(), 0);
    of_others.await();
    const auto later = pool.template submit<&log_value>(log, 3);
    const auto urgent = pool.with({.priority = 1}).template submit<&log_value>(log, 0);
    const auto third = db.template submit<&log_value>(log, 4);
    of_group.open();  // one worker goes through all of it
    third.result();
    of_others.open();
  }
  EXPECT_THAT(logged(log), testing::ElementsAre(0, 1, 3, 4));
}

TYPED_TEST_P(GroupContract, a_task_that_waits_for_its_group_can_be_cancelled_and_never_takes_a_permit) {
  Gate gate;
  TypeParam pool(grouped_options<TypeParam>(2, {{"db", 1}}, {.limit = 2, .when_full = WhenFull::reject}));
  const auto db = pool.with({.group = "db"});
  const auto first = db.template submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  const auto second = db.template submit<&square>(2);
  const auto third = db.template submit<&square>(3);
  EXPECT_THROW(db.template submit<&square>(4), QueueFullError);  // what waits for its group has a place in the queue
  EXPECT_TRUE(second.cancel());
  const auto fourth = db.template submit<&square>(4);
  EXPECT_FALSE(third.done() || fourth.done());
  gate.open();
  EXPECT_EQ(first.result() + third.result() + fourth.result(), 1 + 9 + 16);
  EXPECT_TRUE(second.cancelled());
  pool.shutdown();
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
  EXPECT_EQ(pool.metrics().cancelled, 1U);
}

TYPED_TEST_P(GroupContract, a_time_by_which_to_start_holds_while_a_task_waits_for_its_group) {
  Gate gate;
  TypeParam pool(grouped_options<TypeParam>(2, {{"db", 1}}));
  pool.with({.group = "db"}).template submit<&pass_and_return>(gate.name(), 1);
  gate.await();
  const auto late = pool.with({.start_by = std::chrono::milliseconds(1), .group = "db"}).template submit<&square>(2);
  EXPECT_THROW(late.result(), CancelledError);
  gate.open();
  EXPECT_EQ(pool.with({.group = "db"}).template submit<&square>(3).result(), 9);
}

TYPED_TEST_P(GroupContract, a_task_that_throws_gives_its_permit_back) {
  TypeParam pool(grouped_options<TypeParam>(2, {{"db", 1}}));
  for (int task = 0; task < 20; ++task) {
    EXPECT_THROW(pool.with({.group = "db"}).template submit<&fail>(std::string("no")).result(), std::exception);
  }
  EXPECT_EQ(pool.with({.group = "db"}).template submit<&square>(3).result(), 9);
}

TYPED_TEST_P(GroupContract, a_pause_a_resize_and_the_end_leave_nobody_behind) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  Gate gate;
  TypeParam pool(grouped_options<TypeParam>(3, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  db.template submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  for (int task = 1; task <= 5; ++task) db.template submit<&log_value>(log, task);
  pool.pause();
  pool.template submit<&log_value>(log, 6);
  pool.resume();
  pool.resize(2);
  pool.resize(1);
  pool.shutdown({.wait = false});
  gate.open();
  pool.shutdown();
  EXPECT_THAT(logged(log), testing::UnorderedElementsAre(1, 2, 3, 4, 5, 6));
}

TYPED_TEST_P(GroupContract, a_cancelling_shutdown_takes_what_waits_for_its_group_along) {
  Gate gate;
  TypeParam pool(grouped_options<TypeParam>(2, {{"db", 1}}));
  const auto db = pool.with({.group = "db"});
  const auto running = db.template submit<&pass_and_return>(gate.name(), 7);
  gate.await();
  std::vector<Future<int>> waiting;
  for (int task = 0; task < 5; ++task) waiting.push_back(db.template submit<&square>(task));
  pool.template submit<&identity>(0).result();
  pool.shutdown({.wait = false, .cancel_futures = true});
  for (const Future<int>& future : waiting) EXPECT_TRUE(future.cancelled());
  gate.open();
  EXPECT_EQ(running.result(), 7);
  pool.shutdown();
  EXPECT_THAT(group_counts(pool), testing::ElementsAre(0, 0, 1));
  expect_balance(pool);
}

TYPED_TEST_P(GroupContract, a_map_keeps_to_the_limit_of_its_group) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool(grouped_options<TypeParam>(3, {{"db", 1}}));
  const std::vector<std::string> files(12, log);
  const auto mark = [&](MapOptions options) {
    int items = 0;
    for (const int value : pool.template map<&mark_and_return>(files, std::move(options))) items += value;
    return items;
  };
  EXPECT_EQ(mark({.group = "db"}), 12);
  EXPECT_EQ(mark({.chunksize = 5, .group = "db"}), 12);
  EXPECT_EQ(mark({.chunksize = 2, .buffersize = 3, .group = "db"}), 12);
  EXPECT_EQ(most_at_a_time(log), 1);
}

TYPED_TEST_P(GroupContract, an_observer_hears_of_a_start_only_with_a_permit) {
  auto log = std::make_shared<EventLog>();
  Gate gate;
  OptionsOf<TypeParam> options = grouped_options<TypeParam>(2, {{"db", 1}});
  options.observer = log;
  TypeParam pool(std::move(options));
  pool.with({.group = "db"}).template submit<&pass_and_return>(gate.name(), 0);
  gate.await();
  const auto second = pool.with({.group = "db"}).template submit<&square>(2);
  pool.template submit<&identity>(0).result();
  EXPECT_THAT(log->of(1), testing::ElementsAre("submitted"));
  gate.open();
  second.result();
  EXPECT_THAT(log->of(1), testing::ElementsAre("submitted", "started", "done"));
}

TYPED_TEST_P(GroupContract, a_group_that_is_unknown_or_without_sense_is_refused_in_words) {
  TypeParam pool(grouped_options<TypeParam>(1, {{"db", 1}, {"disk", 2}}));
  const auto names_all = testing::AllOf(testing::HasSubstr("no concurrency group 'bd'"), testing::HasSubstr("'db', 'disk'"));
  POOLS_EXPECT_THROW_WHAT(pool.with({.group = "bd"}), std::invalid_argument, names_all);
  const std::vector<int> none;
  POOLS_EXPECT_THROW_WHAT(static_cast<void>(pool.template map<&square>(none, {.group = "bd"})), std::invalid_argument, names_all);
  EXPECT_EQ(pool.with({.group = ""}).template submit<&square>(2).result(), 4);
  const auto refuses = [](std::vector<ConcurrencyGroup> groups, const char* words) {
    POOLS_EXPECT_THROW_WHAT(TypeParam(grouped_options<TypeParam>(1, std::move(groups))), std::invalid_argument,
                            testing::HasSubstr(words));
  };
  refuses({{"db", 0}}, "the limit of the concurrency group 'db' is 0; allowed: 1 and more");
  refuses({{"db", -3}}, "-3");
  refuses({{"", 1}}, "no name");
  refuses({{"db", 1}, {"db", 2}}, "two concurrency groups 'db'");
  TypeParam without(1);
  POOLS_EXPECT_THROW_WHAT(without.with({.group = "db"}), std::invalid_argument, testing::EndsWith("it has none"));
}

REGISTER_TYPED_TEST_SUITE_P(GroupContract, no_more_tasks_of_a_group_than_its_limit_run_and_others_go_past_those_that_wait,
                            at_no_instant_do_more_run_whoever_submits_and_cancels,
                            tasks_of_a_group_start_in_order_and_before_what_was_submitted_after_them,
                            what_waited_for_its_group_goes_before_what_was_submitted_later,
                            a_task_that_waits_for_its_group_can_be_cancelled_and_never_takes_a_permit,
                            a_time_by_which_to_start_holds_while_a_task_waits_for_its_group,
                            a_task_that_throws_gives_its_permit_back, a_pause_a_resize_and_the_end_leave_nobody_behind,
                            a_cancelling_shutdown_takes_what_waits_for_its_group_along, a_map_keeps_to_the_limit_of_its_group,
                            an_observer_hears_of_a_start_only_with_a_permit,
                            a_group_that_is_unknown_or_without_sense_is_refused_in_words);

}  // namespace pools::test
