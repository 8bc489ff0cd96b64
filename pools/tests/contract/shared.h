#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "pools/future.h"
#include "pools/shared_buffer.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/tests/shared_memory_checks.h"
#include "pools/tests/shared_numbers.h"

namespace pools::test {

// Each test leaves as much shared memory in this process as it found.
template <class Pool>
class SharedContract : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(shared_memory_held(), held_); }

 private:
  const std::size_t held_ = shared_memory_held();
};
TYPED_TEST_SUITE_P(SharedContract);

TYPED_TEST_P(SharedContract, a_task_reads_what_the_caller_has_written_and_the_caller_what_the_task_has) {
  TypeParam pool{2};
  const Numbers numbers = numbers_to(100'000);
  EXPECT_EQ(pool.template submit<&sum_of>(numbers).result(), 5'000'050'000);
  pool.template submit<&double_all>(numbers).result();
  EXPECT_EQ(numbers[99'999], 200'000);
  EXPECT_EQ(pool.template submit<&sum_of>(numbers).result(), 10'000'100'000);
}

TYPED_TEST_P(SharedContract, a_task_may_make_one_and_return_it) {
  TypeParam pool{2};
  const Numbers numbers = pool.template submit<&numbers_to>(1000).result();
  EXPECT_EQ(sum_of(numbers), 500'500);
  const SealedNumbers sealed = pool.template submit<&sealed_numbers_to>(1000).result();
  EXPECT_EQ(sum_of_sealed(sealed), 500'500);
  EXPECT_EQ(pool.template submit<&sum_of_sealed>(sealed).result(), 500'500);
  const Numbers sum = pool.template submit<&sum_of_two>(numbers, numbers).result();
  EXPECT_EQ(sum_of(sum), 1'001'000);
}

TYPED_TEST_P(SharedContract, what_comes_back_is_the_same_memory) {
  TypeParam pool{1};
  const Numbers numbers = numbers_to(10);
  const Numbers again = pool.template submit<&send_back>(numbers).result();
  again[3] = -7;
  EXPECT_EQ(numbers[3], -7);
}

TYPED_TEST_P(SharedContract, slices_are_of_the_same_memory_and_map_goes_over_them) {
  TypeParam pool{2};
  const Numbers numbers = numbers_to(10'007);
  const std::vector<Numbers> slices = numbers.split(9);
  std::vector<std::size_t> sizes;
  for (const Numbers& slice : slices) sizes.push_back(slice.size());
  EXPECT_THAT(sizes, testing::ElementsAre(1112, 1112, 1112, 1112, 1112, 1112, 1112, 1112, 1111));
  for (const int chunksize : {1, 4}) {
    std::int64_t sum = 0;
    for (const std::int64_t part : pool.template map<&sum_of>(slices, {.chunksize = chunksize})) sum += part;
    EXPECT_EQ(sum, 10'007 * 10'008 / 2);
  }
  pool.template submit<&double_all>(numbers.slice(5, 2)).result();
  EXPECT_THAT(std::vector<std::int64_t>(numbers.begin() + 4, numbers.begin() + 8), testing::ElementsAre(5, 12, 14, 8));
  EXPECT_EQ(pool.template submit<&sum_of>(numbers.slice(3, 0)).result(), 0);
  EXPECT_EQ(pool.template submit<&sum_of>(numbers.slice(10'007, 0)).result(), 0);
  EXPECT_THROW(static_cast<void>(numbers.slice(10'007, 1)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(numbers.slice(10'008, 0)), std::out_of_range);
  EXPECT_THROW(static_cast<void>(numbers.split(0)), std::invalid_argument);
}

TYPED_TEST_P(SharedContract, containers_of_them_pass) {
  TypeParam pool{2};
  const Numbers numbers = numbers_to(1000);
  EXPECT_EQ(pool.template submit<&sum_of_all>(std::vector<Numbers>{numbers, numbers.slice(0, 10), numbers_to(3)}).result(),
            500'500 + 55 + 6);
  const std::vector<Numbers> halves = pool.template submit<&halves_of>(numbers).result();
  ASSERT_EQ(halves.size(), 2U);
  halves[1][0] = 0;
  EXPECT_EQ(numbers[500], 0);
}

TYPED_TEST_P(SharedContract, an_empty_handle_is_no_argument) {
  TypeParam pool{1};
  Numbers numbers = numbers_to(10);
  const Numbers moved = std::move(numbers);
  EXPECT_FALSE(numbers.valid());  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(static_cast<void>(numbers.data()), InvalidStateError);
  EXPECT_THROW(static_cast<void>(numbers.size()), InvalidStateError);
  EXPECT_THROW(static_cast<void>(numbers.slice(0, 0)), InvalidStateError);
  EXPECT_THROW(static_cast<void>(std::move(numbers).seal()), InvalidStateError);
  const Future<std::int64_t> refused = pool.template submit<&sum_of>(numbers);
  POOLS_EXPECT_THROW_WHAT(refused.result(), InvalidStateError, testing::HasSubstr("empty"));
  EXPECT_EQ(pool.template submit<&sum_of>(moved).result(), 55);
}

TYPED_TEST_P(SharedContract, a_task_that_is_done_holds_none_though_its_future_lives) {
  TypeParam pool{1};
  Numbers numbers = numbers_to(10);
  const Future<std::int64_t> done = pool.template submit<&sum_of>(numbers);
  EXPECT_EQ(done.result(), 55);
  const Future<Numbers> failed = pool.template submit<&fail_with>(numbers);
  POOLS_EXPECT_THROW_WHAT(failed.result(), std::exception, testing::HasSubstr("of 10 numbers"));
  // Nobody else has it, here or elsewhere: else it could not be sealed.
  const SealedNumbers sealed = std::move(numbers).seal();
  EXPECT_EQ(sum_of_sealed(sealed), 55);
}

TYPED_TEST_P(SharedContract, what_somebody_else_has_cannot_be_sealed_and_is_as_it_was) {
  Gate gate;
  TypeParam pool{1};
  Numbers numbers = numbers_to(10);
  {
    const Numbers slice = numbers.slice(2, 3);
    EXPECT_THROW(static_cast<void>(std::move(numbers).seal()), SharedMemoryError);
  }
  Future<std::int64_t> sum = pool.template submit<&pass_and_sum>(gate.name(), numbers);
  gate.await();
  EXPECT_THROW(static_cast<void>(std::move(numbers).seal()), SharedMemoryError);
  gate.open();
  EXPECT_EQ(sum.result(), 55);
  numbers[0] = 101;  // NOLINT(bugprone-use-after-move): it has thrown
  const std::int64_t* const place = numbers.data();
  const SealedNumbers sealed = std::move(numbers).seal();
  EXPECT_EQ(sum_of_sealed(sealed), 155);
  EXPECT_EQ(sealed.data(), place);
}

TYPED_TEST_P(SharedContract, tasks_that_are_cancelled_in_the_queue_let_go_of_theirs) {
  Numbers numbers = numbers_to(10);
  std::vector<Future<std::int64_t>> cancelled;
  {
    BlockedPool<TypeParam> blocked;
    for (int task = 0; task < 20; ++task) cancelled.push_back(blocked.pool.template submit<&sum_of>(numbers));
    for (Future<std::int64_t>& future : cancelled) EXPECT_TRUE(future.cancel());
    blocked.gate.open();
    blocked.pool.shutdown();
  }
  cancelled.clear();
  EXPECT_EQ(sum_of_sealed(std::move(numbers).seal()), 55);
}

TYPED_TEST_P(SharedContract, callbacks_get_them_and_submit_them) {
  TypeParam pool{2};
  std::atomic<std::int64_t> sum{0};
  std::atomic<int> left{50};
  for (int task = 1; task <= 50; ++task) {
    pool.template submit_with_callback<&numbers_to>(
        [&](const Future<Numbers>& numbers) {
          pool.template submit_with_callback<&sum_of>(
              [&](const Future<std::int64_t>& done) {
                sum += done.result();
                --left;
              },
              numbers.result());
        },
        task);
  }
  wait_until([&] { return left == 0; });
  EXPECT_EQ(sum, 22'100);
}

TYPED_TEST_P(SharedContract, they_pass_while_the_pool_is_resized) {
  TypeParam pool{1};
  const Numbers numbers = numbers_to(1000);
  std::vector<Future<Numbers>> futures;
  for (int task = 0; task < 200; ++task) {
    if (task % 20 == 0) pool.resize(1 + task / 20 % 3);
    futures.push_back(pool.template submit<&send_back>(numbers));
  }
  for (const Future<Numbers>& future : futures) EXPECT_EQ(future.result()[999], 1000);
}

REGISTER_TYPED_TEST_SUITE_P(SharedContract, a_task_reads_what_the_caller_has_written_and_the_caller_what_the_task_has,
                            a_task_may_make_one_and_return_it, what_comes_back_is_the_same_memory,
                            slices_are_of_the_same_memory_and_map_goes_over_them, containers_of_them_pass,
                            an_empty_handle_is_no_argument, a_task_that_is_done_holds_none_though_its_future_lives,
                            what_somebody_else_has_cannot_be_sealed_and_is_as_it_was,
                            tasks_that_are_cancelled_in_the_queue_let_go_of_theirs, callbacks_get_them_and_submit_them,
                            they_pass_while_the_pool_is_resized);

}  // namespace pools::test
