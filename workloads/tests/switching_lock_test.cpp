#include "workloads/switching_lock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "workloads/work.h"

namespace workloads {
namespace {

using namespace std::chrono_literals;

TEST(SwitchingLock, LetsOneThreadInAtATime) {
  SwitchingLock lock(20us);
  int inside = 0;  // unguarded but for the lock: a sanitizer sees what the counts do not
  int most = 0;
  int rounds = 0;
  {
    std::vector<std::jthread> threads;
    for (int index = 0; index < 4; ++index) {
      threads.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          const std::lock_guard holding(lock);
          for (int step = 0; step < 20; ++step) {
            most = std::max(most, ++inside);
            --inside;
            lock.check();
          }
          ++rounds;
        }
      });
    }
  }
  EXPECT_EQ(most, 1);
  EXPECT_EQ(rounds, 800);
}

TEST(SwitchingLock, IsHandedOverAtACheckToAThreadThatWaits) {
  SwitchingLock lock;
  bool taken = false;  // guarded by the lock
  lock.lock();
  std::jthread waiter([&] {
    const std::lock_guard holding(lock);
    taken = true;
  });
  while (!taken) lock.check();     // ends only if the lock is handed over while this thread would keep it for ever
  EXPECT_EQ(lock.switches(), 3U);  // this thread, the waiter, this thread again
  lock.unlock();
}

TEST(SwitchingLock, IsNotWonBackBeforeTheThreadThatAskedHasHadIt) {
  for (const bool unlocks : {false, true}) {
    SwitchingLock lock(100us);
    std::atomic<bool> taken = false;
    lock.lock();
    std::jthread waiter([&] {
      const std::lock_guard holding(lock);
      taken = true;
    });
    while (!lock.drop_requested()) std::this_thread::yield();
    EXPECT_FALSE(taken);
    EXPECT_EQ(lock.switches(), 1U);
    if (unlocks) {
      lock.unlock();
      EXPECT_EQ(lock.switches(), 2U);
    } else {
      lock.check();
      EXPECT_TRUE(taken);
      EXPECT_EQ(lock.switches(), 3U);
      lock.unlock();
    }
  }
}

TEST(SwitchingLock, GoesBackAndForthBetweenThreadsThatNeverUnlock) {
  SwitchingLock lock(100us);
  constexpr int kRounds = 50;
  std::array<int, 2> turns{};  // guarded by the lock
  const auto take_turns = [&](std::size_t self) {
    const std::lock_guard holding(lock);
    while (turns[self] < kRounds) {
      const int others = turns[1 - self];
      ++turns[self];
      // Each waits for the other's turn, which can only come while it has handed over.
      while (turns[1 - self] == others && others < kRounds) lock.check();
    }
  };
  std::jthread first([&] { take_turns(0); });
  take_turns(1);
  first.join();
  EXPECT_EQ(turns[0], kRounds);
  EXPECT_EQ(turns[1], kRounds);
  EXPECT_GE(lock.switches(), 2U * kRounds - 2);
}

TEST(SwitchingLock, StaysWithAThreadThatNobodyDisturbs) {
  SwitchingLock lock(0ns);
  for (int round = 0; round < 100; ++round) {
    const std::lock_guard holding(lock);
    lock.check();
  }
  EXPECT_EQ(lock.switches(), 1U);
}

TEST(GilSpin, ComputesUnderTheLockOfItsProcess) {
  const Work work = make_work(*find_workload("gil_spin"), {.duration = 100us, .seed = 1}, {1, 1, 1, 1, 1});
  SwitchingLock& interpreter = interpreter_lock();
  std::atomic<bool> finished = false;
  interpreter.lock();
  const std::uint64_t before = interpreter.switches();
  std::jthread python([&] {
    execute(work, {});
    finished = true;
  });
  while (!finished) interpreter.check();
  EXPECT_GE(interpreter.switches(), before + 2);  // it had the lock, and gave it back
  interpreter.unlock();
}

TEST(GilSpin, HandsOverInTheMiddleOfItsWork) {
  const Work work = make_work(*find_workload("gil_spin"), {.duration = 20ms, .seed = 1}, {1, 1, 1, 1, 1});
  SwitchingLock& interpreter = interpreter_lock();
  // A work that keeps the lock to its end changes hands four times at most: this thread, the work, and both once more.
  // Tried until it was more; that the machine disturbs every try is what the test's timeout stands for.
  std::uint64_t switches = 0;
  while (switches <= 4) {
    const std::uint64_t before = interpreter.switches();
    std::atomic<bool> finished = false;
    std::jthread python([&] {
      execute(work, {});
      finished = true;
    });
    while (!finished) {
      const std::lock_guard holding(interpreter);
      interpreter.check();
    }
    python.join();
    switches = interpreter.switches() - before;
  }
}

}  // namespace
}  // namespace workloads
