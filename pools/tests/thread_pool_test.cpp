// What only ThreadPool promises; the rest is in the contract suite.

#include "pools/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "pools/cores.h"
#include "pools/tests/expectations.h"

namespace pools::test {
namespace {

std::string name_of_this_thread() {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  return name;
}

// Runs `count` tasks at the same time, one per worker, and gives what `call` returned in each.
template <class Call>
auto on_each_worker(ThreadPool& pool, int count, Call call) {
  auto all_there = std::make_shared<std::latch>(count);
  std::vector<Future<decltype(call())>> futures;
  for (int task = 0; task < count; ++task) {
    futures.push_back(pool.submit([all_there, call] {
      all_there->arrive_and_wait();
      return call();
    }));
  }
  std::vector<decltype(call())> results;
  for (const auto& future : futures) results.push_back(future.result());
  return results;
}

TEST(ThreadPool, the_default_is_five_workers_per_usable_core) {
  EXPECT_EQ(ThreadPool{}.workers(), usable_cores().count * 5);
  EXPECT_EQ(ThreadPool{ThreadPoolOptions{}}.workers(), usable_cores().count * 5);
}

TEST(ThreadPool, callables_arguments_and_results_may_be_move_only) {
  ThreadPool pool{1};
  auto future = pool.submit([a = std::make_unique<int>(40)](std::unique_ptr<int> b) { return std::make_unique<int>(*a + *b); },
                            std::make_unique<int>(2));
  EXPECT_EQ(*std::move(future).result(), 42);
  std::atomic<int> posted{0};
  pool.post([&posted](std::unique_ptr<int> value) { posted = *value; }, std::make_unique<int>(7));
  pool.shutdown();
  EXPECT_EQ(posted, 7);
}

TEST(ThreadPool, arguments_are_copied_unless_they_are_moved_or_wrapped) {
  ThreadPool pool{1};
  int counter = 0;
  pool.submit([](int& value) { ++value; }, std::ref(counter)).result();
  EXPECT_EQ(counter, 1);
  std::string text = "kept";
  EXPECT_EQ(pool.submit([](std::string value) { return value + "!"; }, text).result(), "kept!");
  EXPECT_EQ(text, "kept");
}

TEST(ThreadPool, member_functions_can_be_submitted) {
  struct Counter {
    int add(int value) { return total += value; }
    int total = 1;
  } counter;
  ThreadPool pool{1};
  EXPECT_EQ(pool.submit(&Counter::add, &counter, 5).result(), 6);
}

TEST(ThreadPool, captures_and_arguments_are_destroyed_before_the_result_is_published) {
  for (int round = 0; round < 200; ++round) {
    ThreadPool pool{1};
    auto captured = std::make_shared<int>(1);
    auto argument = std::make_shared<int>(2);
    const std::weak_ptr<int> capture_gone = captured;
    const std::weak_ptr<int> argument_gone = argument;
    const auto future =
        pool.submit([captured = std::move(captured)](const std::shared_ptr<int>& value) { return *captured + *value; },
                    std::move(argument));
    future.result();
    EXPECT_TRUE(capture_gone.expired());
    EXPECT_TRUE(argument_gone.expired());
  }
}

TEST(ThreadPool, captures_are_destroyed_before_a_failure_or_its_callbacks_are_seen) {
  ThreadPool pool{1};
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> gone = captured;
  bool expired_in_callback = false;
  pool.submit_with_callback([&](const Future<void>&) { expired_in_callback = gone.expired(); },
                            [captured = std::move(captured)] { throw std::runtime_error(std::to_string(*captured)); });
  pool.shutdown();
  EXPECT_TRUE(expired_in_callback);
}

TEST(ThreadPool, workers_are_started_as_needed_and_an_idle_one_is_reused_first) {
  ThreadPool pool{8};
  std::set<std::thread::id> threads;
  for (int task = 0; task < 300; ++task) threads.insert(pool.submit([] { return std::this_thread::get_id(); }).result());
  EXPECT_EQ(threads.size(), 1u);
}

TEST(ThreadPool, a_worker_whose_result_has_been_seen_counts_as_idle_though_it_is_not_back_at_the_queue) {
  // Holds the worker up between its result and its next look at the queue.
  struct HoldUp final : detail::Completion {
    HoldUp(std::latch& entered, std::latch& left) : in(entered), out(left) {}
    void run(detail::FutureState&) noexcept override {
      in.count_down();
      out.wait();
    }
    std::latch& in;
    std::latch& out;
  };
  ThreadPool pool{8};
  std::latch start{1};
  std::latch published{1};
  std::latch submitted{1};
  const auto first = pool.submit([&] { return start.wait(), std::this_thread::get_id(); });
  std::unique_ptr<detail::Completion> hold_up = std::make_unique<HoldUp>(published, submitted);
  ASSERT_TRUE(detail::FutureAccess::state(first).try_add_continuation(hold_up));
  start.count_down();
  published.wait();
  const auto second = pool.submit([] { return std::this_thread::get_id(); });
  submitted.count_down();
  EXPECT_EQ(first.result(), second.result());
}

TEST(ThreadPool, a_worker_that_waits_for_nothing_but_runs_a_callback_does_not_count_as_idle) {
  ThreadPool pool{2};
  std::latch in_callback{1};
  std::latch go_on{1};
  pool.submit_with_callback(
      [&](const Future<void>&) {
        in_callback.count_down();
        go_on.wait();
      },
      [] {});
  in_callback.wait();
  EXPECT_EQ(pool.submit([] { return 5; }).result(), 5);  // on the second worker, or never
  go_on.count_down();
}

TEST(ThreadPool, a_job_queued_before_a_worker_turns_to_its_callbacks_gets_another_worker) {
  for (int round = 0; round < 100; ++round) {
    ThreadPool pool{2};
    std::latch go_on{1};
    std::latch finish{1};
    const auto first = pool.submit_with_callback([&](const Future<void>&) { go_on.wait(); }, [&] { finish.wait(); });
    finish.count_down();
    // Races with the first worker's step from its result to its callback.
    EXPECT_EQ(pool.submit([] { return 5; }).result(), 5);
    go_on.count_down();
  }
}

TEST(ThreadPool, never_has_more_workers_than_asked_for) {
  ThreadPool pool{3};
  std::mutex mutex;
  std::set<std::thread::id> threads;
  for (int task = 0; task < 2000; ++task) {
    pool.post([&] {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  }
  pool.shutdown();
  EXPECT_LE(threads.size(), 3u);
}

TEST(ThreadPool, workers_are_named_after_the_prefix_and_their_number) {
  ThreadPool pool{ThreadPoolOptions{.workers = 3, .name_prefix = "fetch"}};
  const auto names = on_each_worker(pool, 3, name_of_this_thread);
  EXPECT_THAT(names, testing::UnorderedElementsAre("fetch_0", "fetch_1", "fetch_2"));
}

TEST(ThreadPool, a_long_prefix_is_cut_so_that_the_number_shows) {
  ThreadPool pool{ThreadPoolOptions{.workers = 1, .name_prefix = "a-very-long-prefix"}};
  EXPECT_EQ(pool.submit(name_of_this_thread).result(), "a-very-long-p_0");
}

TEST(ThreadPool, start_all_starts_all_and_runs_their_initializers) {
  std::mutex mutex;
  std::set<std::thread::id> initialized;
  ThreadPool pool{ThreadPoolOptions{.workers = 4, .initializer = [&] {
                                      const std::lock_guard lock(mutex);
                                      initialized.insert(std::this_thread::get_id());
                                    }}};
  pool.start_all();
  EXPECT_EQ(initialized.size(), 4u);
  for (const std::thread::id worker : on_each_worker(pool, 4, [] { return std::this_thread::get_id(); })) {
    EXPECT_TRUE(initialized.contains(worker));
  }
  EXPECT_EQ(initialized.size(), 4u);
}

TEST(ThreadPool, an_initializer_that_throws_breaks_the_pool_pending_futures_included) {
  std::latch start{1};
  ThreadPool pool{ThreadPoolOptions{.workers = 1, .initializer = [&] {
                                      start.wait();
                                      throw std::runtime_error("no licence");
                                    }}};
  const auto first = pool.submit([] { return 1; });
  const auto second = pool.submit([] { return 2; });
  start.count_down();
  POOLS_EXPECT_THROW_WHAT(first.result(), BrokenPoolError, testing::HasSubstr("no licence"));
  EXPECT_THROW(second.result(), BrokenPoolError);
  POOLS_EXPECT_THROW_WHAT(pool.submit([] {}), BrokenPoolError, testing::HasSubstr("no licence"));
  EXPECT_THROW(pool.start_all(), BrokenPoolError);
  pool.shutdown();
}

TEST(ThreadPool, shutdown_that_would_wait_for_its_own_worker_throws) {
  ThreadPool pool{1};
  POOLS_EXPECT_THROW_WHAT(pool.submit([&] { pool.shutdown(); }).result(), Error, testing::HasSubstr("wait for itself"));
  EXPECT_EQ(pool.submit([] { return 1; }).result(), 1);  // it was not shut down either
  pool.submit([&] { pool.shutdown({.wait = false}); }).result();
  EXPECT_THROW(pool.submit([] {}), ShutdownError);
}

TEST(ThreadPool, a_pool_may_be_shut_down_by_a_worker_of_another) {
  ThreadPool outer{1};
  ThreadPool inner{1};
  const auto queued = inner.submit([] { return 3; });
  outer.submit([&] { inner.shutdown(); }).result();
  EXPECT_EQ(queued.result(), 3);
}

TEST(ThreadPool, submit_after_shutdown_throws_from_inside_a_task_too) {
  ThreadPool pool{1};
  std::latch shut{1};
  const auto future = pool.submit([&] {
    shut.wait();
    pool.submit([] {});
  });
  pool.shutdown({.wait = false});
  shut.count_down();
  EXPECT_THROW(future.result(), ShutdownError);
}

TEST(ThreadPool, tasks_may_submit_and_wait_for_tasks_where_another_worker_is_free) {
  ThreadPool pool{2};
  EXPECT_EQ(pool.submit([&] { return pool.submit([] { return 20; }).result() + 1; }).result(), 21);
}

TEST(ThreadPool, what_a_posted_task_throws_goes_to_the_error_hook) {
  const ErrorHookSpy spy;
  ThreadPool pool{1};
  pool.post([] { throw std::runtime_error("nobody listens"); });
  pool.post([] { throw 1; });
  pool.shutdown();
  EXPECT_THAT(spy.reports(), testing::ElementsAre("a posted task: nobody listens", "a posted task: ?"));
}

TEST(ThreadPool, callbacks_run_on_the_worker_that_ran_the_task_before_it_takes_the_next) {
  ThreadPool pool{1};
  std::vector<std::string> events;  // one worker: no lock needed
  for (int task = 0; task < 3; ++task) {
    pool.submit_with_callback(
        [&, task](const Future<std::thread::id>& done) {
          EXPECT_EQ(done.result(), std::this_thread::get_id());
          events.push_back("callback " + std::to_string(task));
        },
        [&, task] {
          events.push_back("task " + std::to_string(task));
          return std::this_thread::get_id();
        });
  }
  pool.shutdown();
  EXPECT_THAT(events, testing::ElementsAre("task 0", "callback 0", "task 1", "callback 1", "task 2", "callback 2"));
}

TEST(ThreadPool, map_moves_elements_out_of_a_container_that_it_is_given) {
  ThreadPool pool{2};
  std::vector<std::unique_ptr<int>> inputs;
  for (int value = 0; value < 5; ++value) inputs.push_back(std::make_unique<int>(value));
  std::vector<int> results;
  for (const int result : pool.map([](const std::unique_ptr<int>& value) { return *value * 10; }, std::move(inputs))) {
    results.push_back(result);
  }
  EXPECT_THAT(results, testing::ElementsAre(0, 10, 20, 30, 40));
}

TEST(ThreadPool, map_does_not_move_out_of_what_a_view_looks_at) {
  ThreadPool pool{2};
  std::vector<std::string> inputs{"a long enough text to be on the heap", "and another one of the kind"};
  for (const std::size_t size : pool.map([](const std::string& text) { return text.size(); }, std::span(inputs)))
    EXPECT_GT(size, 20u);
  EXPECT_EQ(inputs[1], "and another one of the kind");
}

TEST(ThreadPool, map_of_a_function_without_a_result_can_be_waited_for) {
  ThreadPool pool{2};
  std::atomic<int> sum{0};
  int items = 0;
  const std::vector<int> values{1, 2, 3};
  for ([[maybe_unused]] const std::monostate& item : pool.map([&](int value) { sum += value; }, values)) ++items;
  EXPECT_EQ(items, 3);
  EXPECT_EQ(sum, 6);
}

TEST(ThreadPool, the_captures_of_a_cancelled_task_do_not_outlive_its_place_in_the_queue) {
  ThreadPool pool{1};
  std::latch go_on{1};
  const auto blocker = pool.submit([&] { go_on.wait(); });
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> gone = captured;
  const auto cancelled = pool.submit([captured = std::move(captured)] { return *captured; });
  EXPECT_TRUE(cancelled.cancel());
  go_on.count_down();
  pool.shutdown();
  EXPECT_TRUE(gone.expired());  // though the future is still held
}

TEST(ThreadPool, a_submit_that_is_refused_destroys_what_it_was_given_and_calls_nobody) {
  ThreadPool pool{1};
  pool.shutdown();
  auto captured = std::make_shared<int>(1);
  const std::weak_ptr<int> gone = captured;
  bool called = false;
  EXPECT_THROW(pool.submit_with_callback([&](const Future<int>&) { called = true; },
                                         [captured = std::move(captured)] { return *captured; }),
               ShutdownError);
  EXPECT_TRUE(gone.expired());
  EXPECT_FALSE(called);
  EXPECT_THROW(pool.post([] {}), ShutdownError);
}

}  // namespace
}  // namespace pools::test
