// ThreadPool with CallbackOn::callback_thread.

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "pools/tests/expectations.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

ThreadPoolOptions with_callback_thread(int workers) {
  return {.workers = workers, .name_prefix = "pool", .callbacks = CallbackOn::callback_thread};
}

TEST(CallbackThread, callbacks_run_one_at_a_time_on_one_thread_that_is_no_worker) {
  ThreadPool pool{with_callback_thread(4)};
  std::mutex mutex;
  std::set<std::thread::id> workers;
  std::set<std::thread::id> callback_threads;  // no lock: one at a time, and ThreadSanitizer would tell
  int called = 0;
  for (int task = 0; task < 400; ++task) {
    pool.submit_with_callback(
        [&](const Future<void>&) {
          callback_threads.insert(std::this_thread::get_id());
          ++called;
        },
        [&] {
          const std::lock_guard lock(mutex);
          workers.insert(std::this_thread::get_id());
        });
  }
  pool.shutdown();
  EXPECT_EQ(called, 400);
  ASSERT_EQ(callback_threads.size(), 1u);
  EXPECT_FALSE(workers.contains(*callback_threads.begin()));
  EXPECT_NE(*callback_threads.begin(), std::this_thread::get_id());
}

TEST(CallbackThread, callbacks_run_in_completion_order) {
  ThreadPool pool{with_callback_thread(3)};
  std::latch gate_a{1};
  std::latch gate_b{1};
  std::vector<char> order;
  std::atomic<int> called{0};
  const auto note = [&](const Future<char>& done) {
    order.push_back(done.result());
    ++called;
  };
  const auto a = pool.submit_with_callback(note, [&] { return gate_a.wait(), 'a'; });
  const auto b = pool.submit_with_callback(note, [&] { return gate_b.wait(), 'b'; });
  const auto c = pool.submit_with_callback(note, [] { return 'c'; });
  wait_until([&] { return called == 1; });
  gate_b.count_down();
  wait_until([&] { return called == 2; });
  gate_a.count_down();
  pool.shutdown();
  EXPECT_THAT(order, testing::ElementsAre('c', 'b', 'a'));
}

TEST(CallbackThread, a_slow_callback_does_not_hold_up_tasks) {
  ThreadPool pool{with_callback_thread(1)};
  std::latch in_callback{1};
  std::latch go_on{1};
  pool.submit_with_callback(
      [&](const Future<int>&) {
        in_callback.count_down();
        go_on.wait();
      },
      [] { return 0; });
  in_callback.wait();
  for (int task = 0; task < 100; ++task) EXPECT_EQ(pool.submit([task] { return task; }).result(), task);
  go_on.count_down();
}

TEST(CallbackThread, shutdown_returns_only_after_the_callbacks) {
  for (int round = 0; round < 10; ++round) {
    ThreadPool pool{with_callback_thread(2)};
    std::atomic<int> called{0};
    for (int task = 0; task < 20; ++task) {
      pool.submit_with_callback(
          [&](const Future<void>&) {
            std::this_thread::yield();
            ++called;
          },
          [] {});
    }
    pool.shutdown();
    EXPECT_EQ(called, 20);
  }
}

TEST(CallbackThread, callbacks_may_submit_and_shut_down) {
  ThreadPool pool{with_callback_thread(1)};
  std::atomic<int> result{0};
  pool.submit_with_callback(
      [&](const Future<int>& done) {
        result = pool.submit([value = done.result()] { return value + 1; }).result();
        pool.shutdown({.wait = false});
        pool.shutdown();  // waits for the workers, not for itself
      },
      [] { return 1; });
  wait_until([&] { return result != 0; });
  pool.shutdown();
  EXPECT_EQ(result, 2);
}

TEST(CallbackThread, cancel_callbacks_run_in_the_cancelling_thread_all_the_same) {
  ThreadPool pool{with_callback_thread(1)};
  std::latch go_on{1};
  pool.submit([&] { go_on.wait(); });
  std::thread::id ran_on;
  const auto pending =
      pool.submit_with_callback([&](const Future<int>&) { ran_on = std::this_thread::get_id(); }, [] { return 1; });
  EXPECT_TRUE(pending.cancel());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  go_on.count_down();
}

TEST(CallbackThread, is_named_after_the_pool) {
  ThreadPool pool{with_callback_thread(1)};
  std::string name(16, '\0');
  pool.submit_with_callback([&](const Future<void>&) { pthread_getname_np(pthread_self(), name.data(), name.size()); }, [] {});
  pool.shutdown();
  EXPECT_STREQ(name.c_str(), "pool_cb");
}

TEST(CallbackThread, a_pool_dropped_with_work_still_calls_back) {
  std::atomic<int> called{0};
  {
    ThreadPool pool{with_callback_thread(2)};
    for (int task = 0; task < 100; ++task) pool.submit_with_callback([&](const Future<void>&) { ++called; }, [] {});
    pool.shutdown({.wait = false});
  }
  EXPECT_EQ(called, 100);
}

}  // namespace
}  // namespace pools::test
