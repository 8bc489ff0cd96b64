// What a thread pool does with several items at a time: chunks of a map, blocks of a range.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

// --- chunks ---

TEST(ThreadChunks, chunksize_consecutive_items_are_one_task) {
  ThreadPool pool{3};
  std::vector<int> values(23);
  std::iota(values.begin(), values.end(), 0);
  int expected = 0;
  for (const int value : pool.map([](int value) { return value; }, values, {.chunksize = 5})) EXPECT_EQ(value, expected++);
  EXPECT_EQ(expected, 23);
  EXPECT_EQ(pool.metrics().submitted, 5U);
}

TEST(ThreadChunks, an_item_that_throws_takes_none_of_its_chunk_with_it) {
  ThreadPool pool{1};
  auto results = pool.map<&square_unless_negative>(std::vector<int>{1, -2, 3}, {.chunksize = 3});
  auto at = results.begin();
  EXPECT_EQ(*at, 1);
  ++at;
  POOLS_EXPECT_THROW_WHAT(*at, std::runtime_error, testing::HasSubstr("negative: -2"));
  ++at;
  EXPECT_EQ(*at, 9);
  EXPECT_EQ(pool.metrics().failed, 0U);  // the task
}

TEST(ThreadChunks, elements_and_results_may_be_move_only_and_functions_without_a_result) {
  ThreadPool pool{2};
  std::vector<std::unique_ptr<int>> inputs;
  for (const int value : {1, 2, 3}) inputs.push_back(std::make_unique<int>(value));
  int expected = 0;
  for (const auto& result : pool.map([](std::unique_ptr<int> value) { return value; }, std::move(inputs), {.chunksize = 2})) {
    EXPECT_EQ(*result, ++expected);
  }
  std::atomic<int> sum{0};
  int items = 0;
  for ([[maybe_unused]] const auto& item : pool.map([&](int value) { sum += value; }, std::vector{1, 2, 3}, {.chunksize = 2}))
    ++items;
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(items, 3);
}

// --- blocks ---

using Block = std::pair<std::int64_t, std::int64_t>;

template <class First, class Last>
std::vector<Block> blocks_of(ThreadPool& pool, First first, Last last, std::size_t number) {
  std::vector<Block> blocks;
  for (const auto& future : pool.blocks(
           first, last, [](auto begin, auto end) { return Block(begin, end); }, number)) {
    blocks.push_back(future.result());
  }
  return blocks;
}

template <class First, class Last>
std::vector<Block> blocks_of(First first, Last last, std::size_t number) {
  ThreadPool pool{2};
  return blocks_of(pool, first, last, number);
}

TEST(ThreadBlocks, they_are_consecutive_cover_the_range_and_differ_by_one_at_most) {
  EXPECT_THAT(blocks_of(0, 10, 3), testing::ElementsAre(Block(0, 4), Block(4, 7), Block(7, 10)));
  EXPECT_THAT(blocks_of(-5, 5, 2), testing::ElementsAre(Block(-5, 0), Block(0, 5)));
  EXPECT_THAT(blocks_of(7, 8, 1), testing::ElementsAre(Block(7, 8)));
  ThreadPool pool{2};
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t number = 1; number < 45; ++number) {
      const std::vector<Block> blocks = blocks_of(pool, std::size_t{3}, 3 + size, number);
      ASSERT_EQ(blocks.size(), std::min(size, number));
      EXPECT_EQ(blocks.front().first, 3);
      EXPECT_EQ(blocks.back().second, static_cast<std::int64_t>(3 + size));
      const auto least = static_cast<std::int64_t>(size / blocks.size());
      for (std::size_t block = 0; block < blocks.size(); ++block) {
        EXPECT_EQ(blocks[block].first, block > 0 ? blocks[block - 1].second : 3);
        EXPECT_THAT(blocks[block].second - blocks[block].first, testing::AnyOf(least, least + 1));
      }
    }
  }
}

TEST(ThreadBlocks, of_an_empty_range_there_are_none) {
  EXPECT_THAT(blocks_of(0, 0, 3), testing::IsEmpty());
  EXPECT_THAT(blocks_of(5, -5, 3), testing::IsEmpty());
  const std::vector<int> none;
  ThreadPool pool{2};
  pool.for_each_block(none.begin(), none.end(), [](auto, auto) { ADD_FAILURE(); });
  EXPECT_EQ(pool.metrics().submitted, 0U);
}

TEST(ThreadBlocks, are_as_many_as_there_are_workers_unless_a_number_is_given) {
  ThreadPool pool{3};
  EXPECT_EQ(pool.blocks(0, 100, [](int, int) {}).size(), 3U);
  pool.resize(5);
  EXPECT_EQ(pool.blocks(0, 100, [](int, int) {}).size(), 5U);
  EXPECT_EQ(pool.blocks(
                    0, 4, [](int, int) {}, 1000)
                .size(),
            4U);
}

TEST(ThreadBlocks, the_largest_ranges_of_numbers_are_cut_without_overflow) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min(), kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(blocks_of(kLeast, kMost, 2), testing::ElementsAre(Block(kLeast, 0), Block(0, kMost)));
}

TEST(ThreadBlocks, a_number_below_zero_beside_an_unsigned_one_is_refused) {
  ThreadPool pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.blocks(-3, std::size_t{5}, [](std::size_t, std::size_t) {}), std::invalid_argument,
                          testing::HasSubstr("-3"));
  std::atomic<int> ran{0};
  pool.for_each_block(0, std::vector<int>(5).size(),
                      [&](std::size_t begin, std::size_t end) { ran += static_cast<int>(end - begin); });
  EXPECT_EQ(ran, 5);
}

TEST(ForEachBlock, has_run_every_block_when_it_returns) {
  ThreadPool pool{3};
  std::vector<int> values(1000, 1);
  pool.for_each_block(values.begin(), values.end(), [](auto begin, auto end) {
    for (; begin != end; ++begin) *begin += 1;
  });
  EXPECT_THAT(values, testing::Each(2));
}

TEST(ForEachBlock, rethrows_the_first_exception_in_the_order_of_the_blocks_when_all_have_ended) {
  ThreadPool pool{4};
  std::atomic<int> ended{0};
  std::atomic<bool> third_has_failed{false};
  const auto call = [&](int begin, int) {
    if (begin == 1) wait_until([&] { return third_has_failed.load(); });
    ++ended;
    if (begin == 2) third_has_failed = true;
    if (begin == 1 || begin == 2) throw std::runtime_error("block " + std::to_string(begin));
  };
  POOLS_EXPECT_THROW_WHAT(pool.for_each_block(0, 4, call, 4), std::runtime_error, testing::StrEq("block 1"));
  EXPECT_EQ(ended, 4);
}

TEST(ForEachBlock, works_from_inside_a_task_of_a_full_pool) {
  ThreadPool pool{1};
  const auto sum = pool.submit([&] {
    std::atomic<int> total{0};
    pool.for_each_block(
        0, 10,
        [&](int begin, int end) {
          std::atomic<int> inner{0};
          pool.for_each_block(
              begin, end, [&](int from, int to) { inner += to - from; }, 2);
          total += inner;
        },
        4);
    return total.load();
  });
  EXPECT_EQ(sum.result(), 10);
}

TEST(ForEachBlock, where_one_cannot_be_submitted_none_runs_any_more_when_it_throws) {
  ControlledPool<ThreadPool> held(options_for<ThreadPool>(1, {.limit = 2, .when_full = WhenFull::reject}));
  std::atomic<int> ran{0};
  EXPECT_THROW(held.pool.for_each_block(
                   0, 10, [&](int, int) { ++ran; }, 5),
               QueueFullError);
  held.gate.open();
  held.pool.shutdown();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(held.pool.metrics().cancelled, 2U);
  EXPECT_THROW(held.pool.for_each_block(0, 10, [](int, int) {}), ShutdownError);
}

TEST(ForEachBlock, that_waits_for_a_task_which_waits_for_it_throws_a_DeadlockError) {
  ThreadPool pool{2};
  Future<void> outer;
  pool.pause();
  outer = pool.submit([&] {
    pool.for_each_block(
        0, 2, [&](int, int) { outer.result(); }, 1);
  });
  pool.resume();
  EXPECT_THROW(outer.result(), DeadlockError);
}

}  // namespace
}  // namespace pools::test
