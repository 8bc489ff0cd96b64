#pragma once

// co_await: a coroutine goes on where a callback would run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <coroutine>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pools/future.h"
#include "pools/tests/contract/future.h"
#include "pools/tests/expectations.h"
#include "pools/tests/gate.h"

namespace pools::test {

// A coroutine that begins at once, and whose result is a future.
template <class T>
struct Coroutine {
  struct promise_type {
    Coroutine get_return_object() { return {promise.future()}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    template <class Value>
    void return_value(Value&& value) {
      promise.set_value(std::forward<Value>(value));
    }
    void unhandled_exception() { promise.set_exception(std::current_exception()); }
    Promise<T> promise;
  };
  Future<T> future;
};
// One that lets its exceptions pass.
// Its owner destroys it: one that an exception has left stands at its end.
class Careless {
 public:
  struct promise_type {
    Careless get_return_object() noexcept { return Careless(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() { throw; }
  };

  ~Careless() { coroutine_.destroy(); }
  Careless(const Careless&) = delete;
  Careless& operator=(const Careless&) = delete;

 private:
  explicit Careless(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

template <class Pool>
class AwaitContract : public testing::Test {};
TYPED_TEST_SUITE_P(AwaitContract);

template <class Pool>
Coroutine<int> sum_of_squares(Pool& pool, int count) {
  int sum = 0;
  for (int value = 0; value < count; ++value) sum += co_await pool.template submit<&square>(value);
  co_return sum;
}

TYPED_TEST_P(AwaitContract, a_coroutine_goes_through_futures_one_after_the_other) {
  TypeParam pool{2};
  EXPECT_EQ(sum_of_squares(pool, 100).future.result(), 328350);
}

inline Coroutine<std::thread::id> thread_after(Future<int> future) {
  co_await future;
  co_return std::this_thread::get_id();
}

TYPED_TEST_P(AwaitContract, it_goes_on_at_once_in_the_caller_if_the_future_is_done) {
  TypeParam pool{1};
  const Future<int> future = pool.template submit<&identity>(1);
  future.result();
  pool.shutdown();  // nobody else is there to resume it
  EXPECT_EQ(thread_after(future).future.result(kNoTime), std::this_thread::get_id());
}

TYPED_TEST_P(AwaitContract, it_goes_on_where_callbacks_run_and_in_its_place_among_them) {
  BlockedPool<TypeParam> blocked;
  std::vector<int> order;
  std::vector<std::thread::id> threads(3);
  const auto note = [&](int at) {
    order.push_back(at);
    threads[static_cast<std::size_t>(at)] = std::this_thread::get_id();
  };
  const auto await = [](Future<int> future, auto then) -> Coroutine<int> {
    co_await future;
    then();
    co_return 0;
  };
  blocked.blocker.add_done_callback([&](const Future<int>&) { note(0); });
  const Future<int> awaited = await(blocked.blocker, [&] { note(1); }).future;
  std::atomic<bool> last{false};
  blocked.blocker.add_done_callback([&](const Future<int>&) {
    note(2);
    last = true;
  });
  EXPECT_FALSE(awaited.done());
  blocked.gate.open();
  wait_until([&] { return last.load(); });
  EXPECT_EQ(awaited.result(), 0);
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2));
  EXPECT_EQ(threads[0], threads[1]);
  EXPECT_EQ(threads[1], threads[2]);
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

inline Coroutine<std::string> outcome_of(Future<int> future) {
  try {
    co_return std::to_string(co_await future);
  } catch (const CancelledError&) {
    co_return "cancelled";
  } catch (const std::exception& error) {
    co_return error.what();
  }
}

TYPED_TEST_P(AwaitContract, exceptions_and_cancellations_are_thrown_by_co_await) {
  BlockedPool<TypeParam> blocked;
  const auto failed = outcome_of(blocked.pool.template submit<&fail>("no luck")).future;
  const Future<int> doomed = blocked.pool.template submit<&identity>(2);
  const auto cancelled = outcome_of(doomed).future;
  EXPECT_FALSE(cancelled.done());
  EXPECT_TRUE(doomed.cancel());  // resumes it, here
  EXPECT_EQ(cancelled.result(kNoTime), "cancelled");
  blocked.gate.open();
  EXPECT_THAT(failed.result(), testing::HasSubstr("no luck"));
  EXPECT_THAT(outcome_of(Future<int>()).future.result(), testing::HasSubstr("the future is empty"));
}

inline Careless throws_after(Future<int> future, std::atomic<bool>& reached) {
  co_await future;
  reached = true;
  throw std::runtime_error("careless");
}

TYPED_TEST_P(AwaitContract, what_a_resumed_coroutine_lets_pass_goes_to_the_error_hook) {
  const ErrorHookSpy spy;
  {
    BlockedPool<TypeParam> blocked;
    std::atomic<bool> reached{false};
    const Careless coroutine = throws_after(blocked.blocker, reached);
    blocked.gate.open();
    wait_until([&] { return reached.load(); });
    blocked.pool.shutdown();
  }
  EXPECT_THAT(spy.reports(), testing::ElementsAre(testing::HasSubstr("careless")));
}

REGISTER_TYPED_TEST_SUITE_P(AwaitContract, a_coroutine_goes_through_futures_one_after_the_other,
                            it_goes_on_at_once_in_the_caller_if_the_future_is_done,
                            it_goes_on_where_callbacks_run_and_in_its_place_among_them,
                            exceptions_and_cancellations_are_thrown_by_co_await,
                            what_a_resumed_coroutine_lets_pass_goes_to_the_error_hook);

}  // namespace pools::test
