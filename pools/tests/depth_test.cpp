// What nests or chains as deep as its user makes it: an exception where the stack would run out, or no recursion at all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "pools/detail/stack.h"
#include "pools/tests/controlled_pool.h"
#include "pools/tests/expectations.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

constexpr int kLinks = 100'000;

// --- the stack of a thread ---

#if !defined(__SANITIZE_ADDRESS__)  // locals are elsewhere there
// In a thread with a stack of so many bytes.
void run_on_stack_of(std::size_t bytes, std::function<void()> call) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, bytes), 0);
  pthread_t thread{};
  const auto run = [](void* what) -> void* {
    (*static_cast<std::function<void()>*>(what))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &call), 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, nullptr);
}

// Bytes that it takes until the stack runs low.
std::size_t descend(const volatile char* from) {
  volatile char frame[512];
  frame[0] = 1;
  if (detail::stack_runs_low()) {
    const auto depth = reinterpret_cast<std::uintptr_t>(from) - reinterpret_cast<std::uintptr_t>(&frame);
    return depth + static_cast<std::size_t>(frame[0]) - 1;
  }
  const std::size_t depth = descend(from);
  return depth + static_cast<std::size_t>(frame[0]) - 1;
}

TEST(Stack, runs_low_when_an_eighth_of_it_is_left_on_stacks_of_any_size) {
  for (const std::size_t size : {std::size_t{1} << 20, std::size_t{8} << 20, std::size_t{64} << 20}) {
    run_on_stack_of(size, [size] {
      volatile char here = 0;
      EXPECT_FALSE(detail::stack_runs_low());
      const std::size_t depth = descend(&here);
      EXPECT_GT(depth, size / 8 * 6);
      EXPECT_LT(depth, size - std::min(size / 8, std::size_t{1} << 20));
      EXPECT_FALSE(detail::stack_runs_low());
    });
  }
}
#endif

TEST(Stack, what_is_refused_says_how_much_is_left) {
  POOLS_EXPECT_THROW_WHAT(detail::refuse_to_nest("something is"), RecursionError,
                          testing::AllOf(testing::HasSubstr("something is nested too deeply"), testing::HasSubstr("KiB")));
}

// --- helping ---

int nest(ThreadPool& pool, int depth) {
  return depth == 0 ? 0 : 1 + pool.submit([&pool, depth] { return nest(pool, depth - 1); }).result();
}

TEST(Depth, tasks_that_wait_for_tasks_nest_as_far_as_the_stack_allows_and_get_an_exception_beyond) {
  for (const int workers : {1, 2}) {
    ThreadPool pool{workers};
    EXPECT_EQ(pool.submit([&] { return nest(pool, 100); }).result(), 100);
    const auto deep = pool.submit([&] { return nest(pool, 200'000); });
    POOLS_EXPECT_THROW_WHAT(deep.result(), RecursionError, testing::HasSubstr("nested too deeply"));
    EXPECT_EQ(pool.submit([&] { return nest(pool, 100); }).result(), 100);
    pool.shutdown({.cancel_futures = true});
    expect_balance(pool);
  }
}

TEST(Depth, tasks_that_wait_for_tasks_through_another_pool_nest_likewise) {
  ThreadPool a{1};
  ThreadPool b{1};
  std::function<int(ThreadPool&, ThreadPool&, int)> down = [&](ThreadPool& here, ThreadPool& there, int left) {
    return left == 0 ? 0 : 1 + there.submit([&down, &here, &there, left] { return down(there, here, left - 1); }).result();
  };
  EXPECT_EQ(a.submit([&] { return down(a, b, 100); }).result(), 100);
  EXPECT_THROW(a.submit([&] { return down(a, b, 200'000); }).result(), RecursionError);
  EXPECT_EQ(a.submit([&] { return down(a, b, 100); }).result(), 100);
  a.shutdown({.wait = false, .cancel_futures = true});
  b.shutdown({.wait = false, .cancel_futures = true});
}

TEST(Depth, submitters_that_run_their_own_tasks_nest_as_far_as_the_stack_allows_and_queue_them_beyond) {
  using Held = ControlledPool<ThreadPool>;
  Held a({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  Held b({.queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  a.pool.post([] {});
  b.pool.post([] {});  // both are full
  std::atomic<int> ran{0};
  std::function<void(Held&, Held&, int)> ping = [&](Held& here, Held& there, int left) {
    ++ran;
    if (left > 0) there.pool.post([&ping, &here, &there, left] { ping(there, here, left - 1); });
  };
  a.pool.post([&] { ping(a, b, kLinks); });
  EXPECT_GT(ran, 100);
  EXPECT_LT(ran, kLinks);
  a.gate.open();
  b.gate.open();
  wait_until([&] { return ran == kLinks + 1; });
}

// --- chains of completions ---

TEST(Depth, callbacks_that_complete_the_next_future_run_through_a_chain_of_any_length_in_order) {
  std::vector<Promise<int>> promises(kLinks);
  std::vector<int> order;
  for (int link = 0; link + 1 < kLinks; ++link) {
    promises[static_cast<std::size_t>(link)].future().add_done_callback([&, link](const Future<int>& done) {
      order.push_back(done.result());
      EXPECT_TRUE(promises[static_cast<std::size_t>(link) + 1].set_running());
      promises[static_cast<std::size_t>(link) + 1].set_value(done.result() + 1);
    });
  }
  EXPECT_TRUE(promises[0].set_running());
  promises[0].set_value(0);
  EXPECT_EQ(promises.back().future().result(), kLinks - 1);
  ASSERT_EQ(order.size(), static_cast<std::size_t>(kLinks) - 1);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Depth, callbacks_that_cancel_the_next_future_run_through_a_chain_of_any_length) {
  ControlledPool<ThreadPool> held;
  std::vector<Future<void>> futures;
  for (int link = 0; link < kLinks; ++link) futures.push_back(held.pool.submit([] {}));
  for (std::size_t link = 0; link + 1 < futures.size(); ++link) {
    futures[link].add_done_callback([&futures, link](const Future<void>&) { futures[link + 1].cancel(); });
  }
  EXPECT_TRUE(futures.front().cancel());
  EXPECT_TRUE(futures.back().cancelled());
}

// --- chains of futures ---

struct Link {
  std::optional<Future<Link>> next;
};

TEST(Depth, a_chain_of_futures_of_any_length_that_hold_each_other_is_destroyed) {
  Future<Link> head;
  for (int link = 0; link < kLinks; ++link) {
    Promise<Link> promise;
    EXPECT_TRUE(promise.set_running());
    promise.set_value(Link{head.valid() ? std::optional(head) : std::nullopt});
    head = promise.future();
  }
  head = {};
}

TEST(Depth, a_chain_of_callbacks_of_any_length_that_hold_the_next_future_is_dropped) {
  std::optional<Promise<int>> next;
  for (int link = 0; link < kLinks; ++link) {
    Promise<int> before;
    before.future().add_done_callback([held = next](const Future<int>&) {});
    next = before;
  }
  next.reset();
}

}  // namespace
}  // namespace pools::test
