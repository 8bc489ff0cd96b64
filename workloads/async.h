#pragma once

// A coroutine that one other awaits, and that begins when it does: what a work is that waits on an event loop.
//
// The awaiting coroutine goes on where the awaited one has ended, on its thread and without growing the stack (symmetric transfer: Lewis
// Baker, "C++ Coroutines: Understanding Symmetric Transfer", 2020).
//
// Thread safety: one thread at a time; between two, what resumes it has to order them.

#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace workloads {

template <class T>
class [[nodiscard]] Async {
  static_assert(!std::is_void_v<T>);

 public:
  class promise_type {
   public:
    Async get_return_object() noexcept { return Async(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct GoesOnWithWhoAwaits {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
          return ended.promise().awaiting_;
        }
        void await_resume() noexcept {}
      };
      return GoesOnWithWhoAwaits();
    }
    void return_value(T value) { result_.template emplace<1>(std::move(value)); }
    void unhandled_exception() noexcept { result_.template emplace<2>(std::current_exception()); }

   private:
    friend class Async;
    std::coroutine_handle<> awaiting_ = std::noop_coroutine();
    std::variant<std::monostate, T, std::exception_ptr> result_;
  };

  Async(Async&& other) noexcept : coroutine_(std::exchange(other.coroutine_, {})) {}
  Async& operator=(Async&&) = delete;
  ~Async() {
    if (coroutine_) coroutine_.destroy();
  }

  // What `co_await` asks. Once.
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    coroutine_.promise().awaiting_ = awaiting;
    return coroutine_;
  }
  // What it returned; rethrows what it threw.
  T await_resume() {
    auto& result = coroutine_.promise().result_;
    if (result.index() == 2) std::rethrow_exception(std::get<2>(result));
    return std::move(std::get<1>(result));
  }

 private:
  explicit Async(std::coroutine_handle<promise_type> coroutine) noexcept : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

// Of a coroutine that nobody awaits: it begins at once, and is gone at its end. What it throws ends the program.
struct Detached {
  struct promise_type {
    Detached get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace workloads
