// Futures by themselves: completed by a Promise, no pool involved.

#include "pools/future.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/tests/expectations.h"

namespace pools::test {
namespace {

// Default-constructed, and moved from.
std::vector<Future<int>> empty_futures() {
  std::vector<Future<int>> futures(2);
  futures[0] = Promise<int>().future();
  const Future<int> moved = std::move(futures[0]);
  return futures;
}

TEST(EmptyFuture, can_be_asked_whether_it_is_valid_compared_copied_and_assigned_to) {
  for (Future<int>& empty : empty_futures()) {
    EXPECT_FALSE(empty.valid());
    EXPECT_EQ(empty, Future<int>());
    EXPECT_NE(empty, Promise<int>().future());
    const Future<int> copy = empty;
    EXPECT_FALSE(copy.valid());
    empty = Promise<int>().future();
    EXPECT_TRUE(empty.valid());
  }
}

TEST(EmptyFuture, says_so_whatever_else_it_is_asked) {
  using namespace std::chrono_literals;
  const auto expect_refused = [](auto ask) {
    for (Future<int>& empty : empty_futures()) {
      POOLS_EXPECT_THROW_WHAT(ask(empty), InvalidStateError, testing::HasSubstr("the future is empty"));
    }
  };
  expect_refused([](Future<int>& f) { f.cancel(); });
  expect_refused([](Future<int>& f) { return f.cancelled(); });
  expect_refused([](Future<int>& f) { return f.running(); });
  expect_refused([](Future<int>& f) { return f.done(); });
  expect_refused([](Future<int>& f) { f.result(); });
  expect_refused([](Future<int>& f) { f.result(1s); });
  expect_refused([](Future<int>& f) { std::move(f).result(); });
  expect_refused([](Future<int>& f) { std::move(f).result(1s); });
  expect_refused([](Future<int>& f) { f.exception(); });
  expect_refused([](Future<int>& f) { f.exception(1s); });
  expect_refused([](Future<int>& f) { f.add_done_callback([](const Future<int>&) {}); });
  expect_refused([](Future<int>& f) { wait(std::vector{f}); });
  expect_refused([](Future<int>& f) { wait(std::vector{f}, 1s, ReturnWhen::first_completed); });
  expect_refused([](Future<int>& f) { return as_completed(std::vector{f}); });
}

TEST(EmptyFuture, of_void_is_refused_likewise) {
  EXPECT_THROW(Future<void>().result(), InvalidStateError);
  EXPECT_THROW(wait(std::vector<Future<void>>(1)), InvalidStateError);
}

TEST(Future, the_first_value_set_wins_and_a_second_set_throws_InvalidStateError) {
  const Promise<int> promise;
  const Future<int> future = promise.future();
  promise.set_value(1);
  EXPECT_THROW(promise.set_value(2), InvalidStateError);
  EXPECT_THROW(promise.set_exception(std::make_exception_ptr(std::runtime_error("no"))), InvalidStateError);
  EXPECT_EQ(future.result(), 1);
}

TEST(Future, a_promise_that_was_moved_from_throws_InvalidStateError) {
  Promise<int> promise;
  const Promise<int> moved = std::move(promise);
  const auto refuses = [](auto ask) {
    POOLS_EXPECT_THROW_WHAT(ask(), InvalidStateError, testing::HasSubstr("the promise is empty"));
  };
  // NOLINTBEGIN(bugprone-use-after-move): that is the point
  refuses([&] { static_cast<void>(promise.future()); });
  refuses([&] { static_cast<void>(promise.set_running()); });
  refuses([&] { promise.set_value(1); });
  refuses([&] { promise.set_exception(std::make_exception_ptr(std::runtime_error("no"))); });
  // NOLINTEND(bugprone-use-after-move)
  moved.set_value(2);
  EXPECT_EQ(moved.future().result(), 2);
}

TEST(Future, setting_a_cancelled_future_throws_InvalidStateError) {
  const Promise<int> promise;
  EXPECT_TRUE(promise.future().cancel());
  EXPECT_FALSE(promise.set_running());
  EXPECT_THROW(promise.set_value(1), InvalidStateError);
  EXPECT_TRUE(promise.future().cancelled());
}

TEST(Future, of_several_threads_that_set_it_one_succeeds) {
  for (int round = 0; round < 200; ++round) {
    const Promise<std::string> promise;
    std::atomic<int> refused{0};
    std::vector<std::thread> setters;
    for (int setter = 0; setter < 4; ++setter) {
      setters.emplace_back([&, setter] {
        try {
          promise.set_value(std::string(40, static_cast<char>('a' + setter)));
        } catch (const InvalidStateError&) {
          ++refused;
        }
      });
    }
    for (std::thread& setter : setters) setter.join();
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(promise.future().result().size(), 40u);
  }
}

TEST(Future, cancel_and_set_value_exclude_each_other) {
  for (int round = 0; round < 500; ++round) {
    const Promise<int> promise;
    const Future<int> future = promise.future();
    bool cancelled = false;
    std::thread canceller([&] { cancelled = future.cancel(); });
    bool set = true;
    try {
      promise.set_value(1);
    } catch (const InvalidStateError&) {
      set = false;
    }
    canceller.join();
    EXPECT_NE(set, cancelled);
    EXPECT_EQ(future.cancelled(), cancelled);
  }
}

TEST(Future, a_value_whose_constructor_throws_leaves_the_promise_open) {
  struct Picky {
    explicit Picky(int value) {
      if (value < 0) throw std::invalid_argument("negative");
    }
  };
  const Promise<Picky> promise;
  EXPECT_THROW(promise.set_value(-1), std::invalid_argument);
  EXPECT_FALSE(promise.future().done());
  promise.set_value(1);
  EXPECT_TRUE(promise.future().done());
}

TEST(Future, result_of_an_lvalue_is_a_reference_into_the_future) {
  const Promise<std::string> promise;
  const Future<std::string> future = promise.future();
  const Future<std::string> other = future;
  promise.set_value("shared");
  EXPECT_EQ(&future.result(), &other.result());
}

TEST(Future, result_of_the_last_handle_moves_the_value_out_and_of_another_copies_it) {
  const auto value = std::make_shared<int>(5);
  Future<std::shared_ptr<int>> future;
  {
    const Promise<std::shared_ptr<int>> promise;
    future = promise.future();
    promise.set_value(value);
  }
  Future<std::shared_ptr<int>> other = future;
  EXPECT_EQ(std::move(other).result().get(), value.get());
  EXPECT_EQ(future.result().get(), value.get());  // it was copied
  other = {};
  const auto moved = std::move(future).result();
  EXPECT_EQ(value.use_count(), 2);
}

TEST(Future, move_only_results_are_moved_out) {
  const Promise<std::unique_ptr<int>> promise;
  promise.set_value(std::make_unique<int>(9));
  EXPECT_EQ(*promise.future().result(), 9);
}

TEST(Future, an_empty_handle_is_not_valid) {
  Future<int> future;
  EXPECT_FALSE(future.valid());
  const Promise<int> promise;
  future = promise.future();
  EXPECT_TRUE(future.valid());
  const Future<int> moved = std::move(future);
  EXPECT_TRUE(moved.valid());
}

TEST(Future, a_callback_registered_while_the_future_is_completed_runs_exactly_once) {
  constexpr int kRounds = 1000;
  std::atomic<const Future<int>*> offered{nullptr};
  std::atomic<int> registered{0};
  std::atomic<int> called{0};
  std::thread adder([&] {
    for (int round = 0; round < kRounds; ++round) {
      const Future<int>* future = nullptr;
      while ((future = offered.exchange(nullptr)) == nullptr) std::this_thread::yield();
      future->add_done_callback([&](const Future<int>&) { ++called; });
      ++registered;
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    const Promise<int> promise;
    const Future<int> future = promise.future();
    offered = &future;
    while (offered != nullptr) std::this_thread::yield();
    for (int pause = 0; pause < round % 50; ++pause) registered.load();  // sweeps the completion across the registration
    promise.set_value(round);
    while (registered <= round) std::this_thread::yield();
    EXPECT_EQ(called, round + 1);
  }
  adder.join();
}

TEST(Future, every_thread_that_waits_wakes) {
  for (int round = 0; round < 100; ++round) {
    const Promise<int> promise;
    std::vector<std::thread> waiters;
    std::atomic<int> sum{0};
    for (int waiter = 0; waiter < 4; ++waiter) {
      waiters.emplace_back([&, waiter, future = promise.future()] {
        sum += waiter % 2 == 0 ? future.result() : future.result(std::chrono::hours(1));
      });
    }
    promise.set_value(3);
    for (std::thread& waiter : waiters) waiter.join();
    EXPECT_EQ(sum, 12);
  }
}

TEST(Future, a_thread_that_sleeps_with_a_deadline_gives_up_at_it) {
  const Promise<int> promise;
  EXPECT_THROW(promise.future().result(std::chrono::milliseconds(1)), TimeoutError);
}

TEST(AsCompleted, does_not_keep_consumed_futures_alive) {
  std::weak_ptr<int> first;
  std::vector<Future<std::shared_ptr<int>>> futures;
  {
    const Promise<std::shared_ptr<int>> one;
    const Promise<std::shared_ptr<int>> two;
    futures = {one.future(), two.future()};
    auto value = std::make_shared<int>(1);
    first = value;
    one.set_value(std::move(value));
    two.set_value(nullptr);
  }
  auto completed = as_completed(std::move(futures));
  futures.clear();
  auto at = completed.begin();
  EXPECT_FALSE(first.expired());
  ++at;
  EXPECT_TRUE(first.expired());
}

TEST(AsCompleted, yields_in_completion_order_and_not_in_that_of_the_input) {
  std::vector<Promise<int>> promises(5);
  std::vector<Future<int>> futures;
  for (const auto& promise : promises) futures.push_back(promise.future());
  auto completed = as_completed(futures);
  for (const std::size_t index : {3u, 0u, 4u, 2u, 1u}) promises[index].set_value(static_cast<int>(index));
  std::vector<int> order;
  for (const Future<int>& future : completed) order.push_back(future.result());
  EXPECT_THAT(order, testing::ElementsAre(3, 0, 4, 2, 1));
}

TEST(AsCompleted, wakes_for_each_completion_of_other_threads) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Promise<int>> promises(8);
    std::vector<Future<int>> futures;
    for (const auto& promise : promises) futures.push_back(promise.future());
    std::vector<std::thread> setters;
    for (const auto& promise : promises) setters.emplace_back([&promise] { promise.set_value(1); });
    int sum = 0;
    for (const Future<int>& future : as_completed(futures)) sum += future.result();
    for (std::thread& setter : setters) setter.join();
    EXPECT_EQ(sum, 8);
  }
}

}  // namespace
}  // namespace pools::test
