// The window in which a wake-up could get lost: a job that arrives while a worker is on its way to sleep. A lost one shows as
// a hang, which CTest's timeout ends. The pauses sweep the arrival across the window.

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "pools/src/base/mutex.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

// From nothing at all to some time after a worker that found nothing sleeps.
void pause_for(std::uint32_t amount) {
  for (std::uint32_t round = 0; round < amount % 64; ++round) std::atomic_signal_fence(std::memory_order_seq_cst);
  for (std::uint32_t yields = amount / 64 % 128; yields > 0; --yields) ::sched_yield();
}

// On a busy machine, where a yield can take milliseconds, or under a sanitizer, it makes do with the rounds of ten seconds.
void submit_and_wait(int workers, int submitters, int rounds) {
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  ThreadPool pool{workers};
  pool.start_all();
  std::vector<std::thread> threads;
  for (int submitter = 0; submitter < submitters; ++submitter) {
    threads.emplace_back([&, submitter] {
      std::minstd_rand random(static_cast<unsigned>(submitter + 1));
      for (int round = 0; round < rounds && std::chrono::steady_clock::now() < enough; ++round) {
        EXPECT_EQ(pool.submit([round] { return round; }).result(), round);
        pause_for(static_cast<std::uint32_t>(random()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Parking, no_wake_up_is_lost_with_one_worker) { submit_and_wait(1, 1, 4000); }
TEST(Parking, no_wake_up_is_lost_with_many_workers_and_one_submitter) { submit_and_wait(8, 1, 4000); }
TEST(Parking, no_wake_up_is_lost_with_several_submitters_and_workers) { submit_and_wait(4, 4, 2000); }

TEST(Parking, bursts_wake_as_many_workers_as_there_are_jobs) {
  constexpr int kWorkers = 4;
  ThreadPool pool{kWorkers};
  pool.start_all();
  std::minstd_rand random(7);
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int round = 0; round < 500 && std::chrono::steady_clock::now() < enough; ++round) {
    // Every job of the burst waits for all the others: one worker that is not woken is a hang.
    std::atomic<int> there{0};
    std::vector<Future<void>> burst;
    for (int job = 0; job < kWorkers; ++job) {
      burst.push_back(pool.submit([&] {
        ++there;
        while (there < kWorkers) ::sched_yield();
      }));
    }
    for (const auto& future : burst) future.result();
    pause_for(static_cast<std::uint32_t>(random()));
  }
}

TEST(Parking, shutdown_reaches_workers_on_their_way_to_sleep) {
  std::minstd_rand random(11);
  for (int round = 0; round < 300; ++round) {
    ThreadPool pool{3};
    pool.start_all();
    pool.submit([] {}).result();
    pause_for(static_cast<std::uint32_t>(random()));
    pool.shutdown();
  }
}

TEST(Parking, callbacks_reach_a_callback_thread_on_its_way_to_sleep) {
  ThreadPool pool{ThreadPoolOptions{.workers = 2, .callbacks = CallbackOn::callback_thread}};
  pool.start_all();
  std::minstd_rand random(13);
  const auto enough = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (int round = 0; round < 3000 && std::chrono::steady_clock::now() < enough; ++round) {
    std::atomic<bool> called{false};
    pool.submit_with_callback([&](const Future<void>&) { called = true; }, [] {});
    while (!called) ::sched_yield();
    pause_for(static_cast<std::uint32_t>(random()));
  }
}

TEST(Parking, a_parker_keeps_one_permit_and_loses_none) {
  detail::Parker to;
  detail::Parker fro;
  int value = 0;  // handed over by the permits alone: ThreadSanitizer would tell
  constexpr int kRounds = 20000;
  std::thread other([&] {
    for (int round = 0; round < kRounds; ++round) {
      to.park();
      ++value;
      fro.unpark();
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    ++value;
    to.unpark();
    fro.park();
  }
  other.join();
  EXPECT_EQ(value, 2 * kRounds);
  to.unpark();
  to.unpark();
  to.park();  // two unparks are one permit, and unpark before park is kept
}

TEST(Parking, a_brief_mutex_excludes_and_wakes_those_who_sleep_on_it) {
  detail::AdaptiveMutex mutex;
  long counter = 0;  // guarded by mutex
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(static_cast<unsigned>(thread + 1));
      for (int round = 0; round < 3000; ++round) {
        const detail::Lock lock(mutex);
        ++counter;
        if (random() % 100 == 0) pause_for(127 * 64);  // long enough that the others go to sleep
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter, 18000);
}

}  // namespace
}  // namespace pools::test
