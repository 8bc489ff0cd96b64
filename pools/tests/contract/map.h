#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "pools/future.h"
#include "pools/map_results.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

inline std::vector<int> numbers(int first, int count) {
  std::vector<int> values;
  for (int value = first; value < first + count; ++value) values.push_back(value);
  return values;
}

template <class Results>
std::vector<int> collect(Results&& results) {
  std::vector<int> values;
  for (const int value : results) values.push_back(value);
  return values;
}

template <class Pool>
class MapContract : public testing::Test {};
TYPED_TEST_SUITE_P(MapContract);

TYPED_TEST_P(MapContract, results_come_in_the_order_of_the_inputs) {
  TypeParam pool{3};
  std::vector<int> expected;
  for (const int value : numbers(0, 100)) expected.push_back(value * value);
  EXPECT_EQ(collect(pool.template map<&square>(numbers(0, 100))), expected);
}

TYPED_TEST_P(MapContract, one_to_four_ranges_are_zipped_to_the_shortest) {
  TypeParam pool{2};
  const std::vector<int> three{1, 2, 3};
  const std::list<int> two{10, 20};
  EXPECT_THAT(collect(pool.template map<&identity>(three)), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(collect(pool.template map<&add>(three, two)), testing::ElementsAre(11, 22));
  EXPECT_THAT(collect(pool.template map<&add_three>(three, two, numbers(100, 9))), testing::ElementsAre(111, 123));
  EXPECT_THAT(collect(pool.template map<&add_four>(three, two, numbers(100, 9), three)), testing::ElementsAre(112, 125));
}

TYPED_TEST_P(MapContract, a_map_over_nothing_is_empty) {
  TypeParam pool{1};
  EXPECT_TRUE(collect(pool.template map<&identity>(std::vector<int>{})).empty());
  EXPECT_TRUE(collect(pool.template map<&add>(numbers(0, 5), std::vector<int>{})).empty());
}

TYPED_TEST_P(MapContract, every_chunksize_gives_the_same_results) {
  TypeParam pool{2};
  std::vector<int> expected;
  for (const int value : numbers(0, 23)) expected.push_back(value * value);
  for (const int chunksize : {1, 2, 7, 22, 23, 24, 1000}) {
    EXPECT_EQ(collect(pool.template map<&square>(numbers(0, 23), {.chunksize = chunksize})), expected) << chunksize;
  }
}

TYPED_TEST_P(MapContract, a_chunksize_below_one_is_refused) {
  TypeParam pool{1};
  for (const int chunksize : {0, -3}) {
    POOLS_EXPECT_THROW_WHAT(pool.template map<&square>(numbers(0, 2), {.chunksize = chunksize}), std::invalid_argument,
                            testing::AllOf(testing::HasSubstr("chunksize"), testing::HasSubstr(std::to_string(chunksize))));
  }
}

TYPED_TEST_P(MapContract, an_exception_does_not_swallow_the_later_items) {
  TypeParam pool{2};
  for (const int chunksize : {1, 2, 5}) {
    auto results = pool.template map<&square_unless_negative>(std::vector<int>{1, -2, 3, -4, 5}, {.chunksize = chunksize});
    auto at = results.begin();
    EXPECT_EQ(*at, 1);
    ++at;
    POOLS_EXPECT_THROW_WHAT(*at, std::runtime_error, testing::HasSubstr("negative: -2"));
    ++at;
    EXPECT_EQ(*at, 9);
    ++at;
    POOLS_EXPECT_THROW_WHAT(*at, std::runtime_error, testing::HasSubstr("negative: -4"));
    ++at;
    EXPECT_EQ(*at, 25);
    ++at;
    EXPECT_EQ(at, results.end());
  }
}

TYPED_TEST_P(MapContract, tasks_are_submitted_eagerly) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool{1};
  auto results = pool.template map<&log_value>(std::vector<std::string>(3, log), numbers(1, 3));
  pool.shutdown();  // nothing has been read yet
  EXPECT_THAT(logged(log), testing::ElementsAre(1, 2, 3));
  EXPECT_THAT(collect(results), testing::ElementsAre(1, 2, 3));
}

TYPED_TEST_P(MapContract, buffersize_bounds_the_look_ahead) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool{1};
  auto results = pool.template map<&log_value>(std::vector<std::string>(6, log), numbers(1, 6), {.buffersize = 2});
  auto at = results.begin();
  EXPECT_EQ(*at, 1);
  pool.template submit<&nothing>().result();  // one worker: whatever was submitted before has run
  EXPECT_THAT(logged(log), testing::ElementsAre(1, 2));
  ++at;
  pool.template submit<&nothing>().result();
  EXPECT_THAT(logged(log), testing::ElementsAre(1, 2, 3));
  std::vector<int> rest;
  for (; at != results.end(); ++at) rest.push_back(*at);
  EXPECT_THAT(rest, testing::ElementsAre(2, 3, 4, 5, 6));
}

TYPED_TEST_P(MapContract, buffersize_bounds_the_look_ahead_also_in_the_middle_of_a_chunk) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  TypeParam pool{1};
  auto results =
      pool.template map<&log_value>(std::vector<std::string>(12, log), numbers(1, 12), {.chunksize = 4, .buffersize = 6});
  auto at = results.begin();
  EXPECT_EQ(*at, 1);
  pool.template submit<&nothing>().result();  // as above
  EXPECT_THAT(logged(log), testing::ElementsAre(1, 2, 3, 4, 5, 6));
  std::vector<int> all;
  for (; at != results.end(); ++at) all.push_back(*at);
  EXPECT_EQ(all, numbers(1, 12));
}

TYPED_TEST_P(MapContract, ready_results_are_delivered_at_timeout_zero) {
  TypeParam pool{2};
  auto results = pool.template map<&square>(numbers(1, 3), {.timeout = kNoTime});
  pool.shutdown();  // all are ready
  EXPECT_THAT(collect(results), testing::ElementsAre(1, 4, 9));
}

TYPED_TEST_P(MapContract, a_timeout_cancels_what_has_not_started) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  BlockedPool<TypeParam> blocked;
  auto results = blocked.pool.template map<&log_value>(std::vector<std::string>(3, log), numbers(1, 3), {.timeout = kNoTime});
  auto at = results.begin();
  EXPECT_THROW(*at, TimeoutError);
  const Future<int> after = blocked.pool.template submit<&log_value>(log, 7);
  blocked.gate.open();
  after.result();
  EXPECT_THAT(logged(log), testing::ElementsAre(7));
  for (int item = 0; item < 3; ++item, ++at) EXPECT_THROW(*at, CancelledError);
  EXPECT_EQ(at, results.end());
}

TYPED_TEST_P(MapContract, dropping_the_results_cancels_what_has_not_started) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("log");
  BlockedPool<TypeParam> blocked;
  { const auto dropped = blocked.pool.template map<&log_value>(std::vector<std::string>(3, log), numbers(1, 3)); }
  const Future<int> after = blocked.pool.template submit<&log_value>(log, 7);
  blocked.gate.open();
  after.result();
  EXPECT_THAT(logged(log), testing::ElementsAre(7));
}

TYPED_TEST_P(MapContract, what_a_range_throws_when_it_is_stepped_on_leaves_map) {
  TypeParam pool{1};
  const std::vector<int> values{1, 2, 3, 4};
  auto odd = values | std::views::filter([](int value) {
               if (value == 2) throw std::runtime_error("no 2");
               return value % 2 == 1;
             });
  POOLS_EXPECT_THROW_WHAT(pool.template map<&square>(odd), std::runtime_error, testing::HasSubstr("no 2"));
  EXPECT_EQ(pool.template submit<&square>(3).result(), 9);
}

TYPED_TEST_P(MapContract, map_after_shutdown_throws) {
  TypeParam pool{1};
  pool.shutdown();
  EXPECT_THROW(static_cast<void>(pool.template map<&square>(numbers(0, 2))), ShutdownError);
}

REGISTER_TYPED_TEST_SUITE_P(MapContract, results_come_in_the_order_of_the_inputs, one_to_four_ranges_are_zipped_to_the_shortest,
                            a_map_over_nothing_is_empty, every_chunksize_gives_the_same_results, a_chunksize_below_one_is_refused,
                            an_exception_does_not_swallow_the_later_items, tasks_are_submitted_eagerly,
                            buffersize_bounds_the_look_ahead, buffersize_bounds_the_look_ahead_also_in_the_middle_of_a_chunk,
                            ready_results_are_delivered_at_timeout_zero, a_timeout_cancels_what_has_not_started,
                            dropping_the_results_cancels_what_has_not_started,
                            what_a_range_throws_when_it_is_stepped_on_leaves_map, map_after_shutdown_throws);

}  // namespace pools::test
