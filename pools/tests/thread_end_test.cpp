// How a thread pool ends: broken by its initializer with posted tasks queued, destroyed by a thread of its own; and what becomes of captures
// whose destructors throw.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/tests/expectations.h"
#include "pools/thread_pool.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;

// --- posted tasks that are never run ---

TEST(ThreadPoolEnd, posted_tasks_that_a_failing_initializer_leaves_behind_go_to_the_error_hook) {
  const ErrorHookSpy spy;
  {
    std::latch start{1};
    ThreadPool pool{ThreadPoolOptions{.workers = 1, .initializer = [&] {
                                        start.wait();
                                        throw std::runtime_error("no licence");
                                      }}};
    for (int task = 0; task < 5; ++task) pool.post([] {});
    for (int task = 0; task < 5; ++task) pool.with({.start_by = 1h}).post([] {});
    start.count_down();
    pool.shutdown();
    EXPECT_EQ(pool.metrics().failed, 10U);
  }
  EXPECT_THAT(spy.reports(), testing::SizeIs(10));
  EXPECT_THAT(spy.reports(), testing::Each("a posted task: the pool is broken: its initializer threw: no licence"));
}

TEST(ThreadPoolEnd, what_a_posted_task_that_has_to_start_by_a_time_throws_goes_to_the_error_hook_once) {
  const ErrorHookSpy spy;
  ThreadPool pool{1};
  pool.with({.start_by = 1h}).post([] { throw std::runtime_error("nobody listens"); });
  pool.shutdown();
  EXPECT_THAT(spy.reports(), testing::ElementsAre("a posted task: nobody listens"));
}

// --- a pool whose destructor waits for tasks that use it ---

TEST(ThreadPoolEnd, tasks_may_use_the_pool_while_its_destructor_waits_for_them) {
  std::latch destroying{1};
  bool refused = false;
  int running = 0;
  int workers = 0;
  std::optional<ThreadPool> pool(2);
  ThreadPool& known = *pool;
  pool->post([&] {
    destroying.wait();
    for (;;) {  // until the destructor has closed it
      try {
        known.submit([] {});
      } catch (const ShutdownError&) {
        break;
      }
    }
    refused = true;
    EXPECT_THROW(static_cast<void>(known.map([](int value) { return value; }, std::vector<int>{1, 2})), ShutdownError);
    EXPECT_THROW(known.resize(3), ShutdownError);
    known.shutdown({.wait = false});
    known.resume();
    running = static_cast<int>(known.metrics().running);
    workers = known.workers();
  });
  destroying.count_down();
  pool.reset();
  EXPECT_TRUE(refused);
  EXPECT_GE(running, 1);
  EXPECT_EQ(workers, 2);
}

// --- an initializer that says nothing ---

struct Speechless : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

TEST(ThreadPoolEnd, an_initializer_whose_exception_says_nothing_breaks_the_pool_like_any_other) {
  ThreadPool pool{ThreadPoolOptions{.workers = 1, .initializer = [] { throw Speechless(); }}};
  POOLS_EXPECT_THROW_WHAT(pool.submit([] {}).result(), BrokenPoolError, testing::HasSubstr("its initializer threw"));
}

// --- captures whose destructors throw ---

// Armed, its destructor throws; moving disarms what is moved from.
struct ThrowsAtItsEnd {
  ThrowsAtItsEnd() = default;
  ThrowsAtItsEnd(ThrowsAtItsEnd&& from) noexcept : armed(std::exchange(from.armed, false)) {}
  ~ThrowsAtItsEnd() noexcept(false) {
    if (armed) throw std::runtime_error("cannot be closed");
  }
  bool armed = true;
};

TEST(ThreadPoolEnd, what_the_destructor_of_a_capture_throws_is_the_exception_of_the_task) {
  ThreadPool pool{1};
  const auto future = pool.submit([held = ThrowsAtItsEnd()] { return 1; });
  POOLS_EXPECT_THROW_WHAT(future.result(), std::runtime_error, testing::StrEq("cannot be closed"));
  EXPECT_EQ(pool.submit([] { return 2; }).result(), 2);
  EXPECT_EQ(pool.metrics().failed, 1U);
}

TEST(ThreadPoolEnd, what_the_destructor_of_a_capture_throws_goes_to_the_error_hook_where_nobody_waits_for_it) {
  const ErrorHookSpy spy;
  {
    ThreadPool pool{1};
    const auto failed = pool.submit([held = ThrowsAtItsEnd()] { throw std::logic_error("first"); });
    POOLS_EXPECT_THROW_WHAT(failed.result(), std::logic_error, testing::StrEq("first"));
    pool.post([held = ThrowsAtItsEnd()] {});
    pool.submit_with_callback([held = ThrowsAtItsEnd()](const Future<void>&) {}, [] {});
    std::latch go_on{1};
    pool.post([&] { go_on.wait(); });
    EXPECT_TRUE(pool.submit([held = ThrowsAtItsEnd()] {}).cancel());
    go_on.count_down();
    pool.shutdown();
    EXPECT_THROW(pool.submit([held = ThrowsAtItsEnd()] {}), ShutdownError);
  }
  EXPECT_THAT(spy.reports(), testing::SizeIs(5));
  EXPECT_THAT(spy.reports(), testing::Each(testing::EndsWith(": cannot be closed")));
}

// --- pools that a thread of their own destroys ---

// A pool that destroys itself on one of its own threads; what is queued runs all the same.
class OwnEnd {
 public:
  explicit OwnEnd(ThreadPoolOptions options) : pool_(std::make_unique<ThreadPool>(std::move(options))) {}
  ThreadPool& operator*() { return *pool_; }
  ThreadPool* operator->() { return pool_.get(); }
  // `call` gets it destroyed. Returns when it is, and all `tasks` have run.
  void expect_end(int tasks) {
    for (int task = 0; task < tasks; ++task) pool_->post([this] { run_.fetch_add(1); });
    queued_.count_down();
    destroyed_.wait();
    wait_until([&] { return run_ == tasks; });
  }
  void destroy() {
    queued_.wait();
    pool_.reset();
    destroyed_.count_down();
  }

 private:
  std::unique_ptr<ThreadPool> pool_;
  std::latch queued_{1};
  std::latch destroyed_{1};
  std::atomic<int> run_{0};
};

TEST(ThreadPoolEnd, a_task_may_destroy_its_pool_and_what_is_queued_still_runs) {
  for (const int workers : {1, 3}) {
    for (int round = 0; round < 50; ++round) {
      OwnEnd own({.workers = workers});
      std::latch again{1};
      const auto future = own->submit([&] {
        own.destroy();
        return 5;
      });
      own.expect_end(20);
      EXPECT_EQ(future.result(), 5);
    }
  }
}

TEST(ThreadPoolEnd, a_callback_on_a_worker_may_destroy_its_pool) {
  for (int round = 0; round < 50; ++round) {
    OwnEnd own({.workers = 2});
    own->submit_with_callback([&](const Future<void>&) { own.destroy(); }, [] {});
    own.expect_end(20);
  }
}

TEST(ThreadPoolEnd, a_callback_on_the_callback_thread_may_destroy_its_pool_and_those_behind_it_still_run) {
  for (int round = 0; round < 50; ++round) {
    OwnEnd own({.workers = 2, .callbacks = CallbackOn::callback_thread});
    std::atomic<int> called{0};
    own->submit_with_callback([&](const Future<void>&) { own.destroy(); }, [] {});
    for (int task = 0; task < 5; ++task) own->submit_with_callback([&](const Future<void>&) { ++called; }, [] {});
    own.expect_end(20);
    wait_until([&] { return called == 5; });
  }
}

TEST(ThreadPoolEnd, a_callback_of_a_task_that_was_too_late_may_destroy_its_pool) {
  for (int round = 0; round < 20; ++round) {
    OwnEnd own({.workers = 1});
    std::latch go_on{1};
    own->post([&] { go_on.wait(); });
    own->with({.start_by = 1ns})
        .submit_with_callback(
            [&](const Future<void>& late) {
              EXPECT_TRUE(late.cancelled());
              go_on.count_down();
              own.destroy();
            },
            [] {});
    own.expect_end(20);
  }
}

TEST(ThreadPoolEnd, a_task_that_its_submitter_runs_may_destroy_the_pool) {
  auto pool =
      std::make_unique<ThreadPool>(ThreadPoolOptions{.workers = 1, .queue = {.limit = 1, .when_full = WhenFull::caller_runs}});
  std::latch running{1};
  std::latch go_on{1};
  pool->post([&] {
    running.count_down();
    go_on.wait();
  });
  running.wait();
  const auto queued = pool->submit([] { return 1; });
  const auto here = pool->submit([&] {
    go_on.count_down();
    pool.reset();
    return 2;
  });
  EXPECT_EQ(here.result(), 2);
  EXPECT_EQ(queued.result(), 1);
}

}  // namespace
}  // namespace pools::test
