// co_await: a coroutine that goes on when a future is done, without a thread that waits for it.

#include <coroutine>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "pools/thread_pool.h"

// The smallest type of coroutine that has a future: yours, or your library's, may do more.
template <class T>
struct Async {
  struct promise_type {
    Async get_return_object() { return {promise.future()}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_value(T value) { promise.set_value(std::move(value)); }
    void unhandled_exception() { promise.set_exception(std::current_exception()); }
    pools::Promise<T> promise;
  };
  pools::Future<T> future;
};

Async<int> three_steps(pools::ThreadPool& pool) {
  const int first = co_await pool.submit([] { return 1; });
  const int second = co_await pool.submit([first] { return first + 1; });  // on a worker by now
  try {
    co_await pool.submit([]() -> int { throw std::runtime_error("the third step failed"); });
  } catch (const std::runtime_error& error) {
    std::printf("%s\n", error.what());
  }
  co_return first + second;
}

int main() {
  pools::ThreadPool pool{2};
  std::printf("%d\n", three_steps(pool).future.result());
}
