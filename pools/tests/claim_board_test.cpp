#include "pools/src/process/ipc/claim_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
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
  constexpr std::uint64_t kMostTasks = 50'000;
  constexpr std::uint64_t kFewestTasks = 100;
  // On a machine where others want the cores each handing over waits for its turn: then fewer will do.
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  ClaimBoard board;
  std::atomic<std::uint64_t> round{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<bool> over{false};
  std::uint64_t begun = 0;
  std::jthread worker([&] {
    for (std::uint64_t task = 1;; ++task) {
      while (round.load() < task) {
        if (over.load()) return;
        std::this_thread::yield();
      }
      begun += board.begin(task);
      answered.store(task);
    }
  });
  std::uint64_t taken = 0;
  std::uint64_t tasks = 0;
  while (tasks < kMostTasks && (tasks < kFewestTasks || std::chrono::steady_clock::now() < enough)) {
    ++tasks;
    board.offer(tasks);
    round.store(tasks);
    taken += board.take_back(tasks);
    while (answered.load() < tasks) std::this_thread::yield();
  }
  over.store(true);
  worker.join();
  EXPECT_EQ(begun + taken, tasks);
}

}  // namespace
}  // namespace pools::detail
