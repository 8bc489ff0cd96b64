#include "pools/src/process/ipc/claim_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace pools::detail {
namespace {

TEST(ClaimBoard, AnOfferedTaskIsBegunOnce) {
  ClaimBoard board;
  board.offer(5);
  EXPECT_FALSE(board.begun(5));
  EXPECT_TRUE(board.begin(5));
  EXPECT_TRUE(board.begun(5));
  EXPECT_FALSE(board.begin(5));
  EXPECT_FALSE(board.take_back(5));
}

TEST(ClaimBoard, WhatWasTakenBackIsNeverBegun) {
  ClaimBoard board;
  board.offer(5);
  EXPECT_FALSE(board.taken_back(5));
  EXPECT_TRUE(board.take_back(5));
  EXPECT_FALSE(board.take_back(5));  // that call was not the one
  EXPECT_TRUE(board.taken_back(5));
  EXPECT_FALSE(board.begin(5));
  EXPECT_FALSE(board.begun(5));
}

TEST(ClaimBoard, WhatWasNeverOfferedIsNobodys) {
  ClaimBoard board;
  EXPECT_FALSE(board.begin(0));
  EXPECT_FALSE(board.take_back(0));
}

TEST(ClaimBoard, ALateExchangeDoesNotHitTheCellsNextTask) {
  ClaimBoard board;
  board.offer(3);
  EXPECT_TRUE(board.begin(3));
  board.offer(3 + ClaimBoard::kCells);
  EXPECT_FALSE(board.take_back(3));
  EXPECT_FALSE(board.begun(3));
  EXPECT_TRUE(board.begin(3 + ClaimBoard::kCells));
}

TEST(ClaimBoard, OfTwoThatWantATaskExactlyOneGetsIt) {
  constexpr std::uint64_t kTasks = 50'000;
  ClaimBoard board;
  std::atomic<std::uint64_t> round{0};
  std::atomic<std::uint64_t> answered{0};
  std::uint64_t begun = 0;
  std::jthread worker([&] {
    for (std::uint64_t task = 1; task <= kTasks; ++task) {
      while (round.load() < task) std::this_thread::yield();
      begun += board.begin(task);
      answered.store(task);
    }
  });
  std::uint64_t taken = 0;
  for (std::uint64_t task = 1; task <= kTasks; ++task) {
    board.offer(task);
    round.store(task);
    taken += board.take_back(task);
    while (answered.load() < task) std::this_thread::yield();
  }
  worker.join();
  EXPECT_EQ(begun + taken, kTasks);
}

}  // namespace
}  // namespace pools::detail
