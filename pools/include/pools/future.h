#pragma once

// Future<T>: the result of a task that runs, or will run, somewhere else; wait() and as_completed() over several of them.
// The semantics are those of Python's concurrent.futures (CPython 3.13); README.md says where and why they differ.
//
// Thread safety: every function may be called from any thread, on any number of handles of one future at a time. Only a
// single handle object itself must not be assigned to while another thread uses it.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "pools/detail/forced_unwind.h"
#include "pools/detail/future_state.h"
#include "pools/detail/owned_call.h"
#include "pools/errors.h"

namespace pools {

template <class T>
class Future;
class RemoteExecutor;

namespace detail {

template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// A state with room for the value.
template <class T>
class ValueState : public FutureState {
 public:
  // Before finish(nullptr). REQUIRES: running, called once.
  template <class... Args>
  void emplace_value(Args&&... args) {
    value_.emplace(std::forward<Args>(args)...);
  }
  Stored<T>& value() noexcept { return *value_; }

 private:
  std::optional<Stored<T>> value_;  // written before the step to finished; constant after it, but for sole owners
};

struct FutureAccess;

}  // namespace detail

// A handle; copies share one future. A default-constructed or moved-from handle is empty: valid() is false, it equals empty ones, and
// everything else, here and wherever it is handed to, throws InvalidStateError.
template <class T>
class Future {
 public:
  using value_type = T;

  Future() = default;

  [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(state_); }

  // Pending, and now cancelled for good, or cancelled before: true. Running or finished: false. The callbacks of a future
  // that this call cancels run in the calling thread before it returns.
  bool cancel() const { return shared_state().cancel(); }
  [[nodiscard]] bool cancelled() const { return shared_state().cancelled(); }
  [[nodiscard]] bool running() const { return shared_state().running(); }
  [[nodiscard]] bool done() const { return shared_state().done(); }

  // Waits until the future is done and gives its value, which lives as long as any handle does; rethrows the task's
  // exception, at every call anew. Throws CancelledError; DeadlockError and RecursionError in a task of a thread pool; TimeoutError when `timeout` (zero or negative: do not wait) runs
  // out first, which leaves the future as it is.
  decltype(auto) result() const& { return get({}); }
  decltype(auto) result(std::chrono::nanoseconds timeout) const& { return get(detail::deadline_after(timeout)); }

  // The same on a temporary or moved handle: the value itself. It is moved out when this is the last handle, else copied
  // (of a move-only type it is always moved out: the other handles keep what the move left).
  T result() && { return take({}); }
  T result(std::chrono::nanoseconds timeout) && { return take(detail::deadline_after(timeout)); }

  // Waits likewise; the exception that the task threw, or null. Throws CancelledError and TimeoutError.
  std::exception_ptr exception() const { return wait_done({}).error(); }
  std::exception_ptr exception(std::chrono::nanoseconds timeout) const {
    return wait_done(detail::deadline_after(timeout)).error();
  }

  // Calls callback(future) once when the future is done: in order of registration, on the thread that the pool promises
  // (README.md); at once, in the calling thread, if it is done already. A callback that throws is reported to the error
  // hook; the others still run.
  template <std::invocable<Future<T>> Callback>
  void add_done_callback(Callback&& callback) const {
    shared_state().require_completion_here();
    auto completion = make_callback(std::forward<Callback>(callback));
    if (!state_->try_add_callback(completion)) completion->run(*state_);
  }

  // Hands the result to a function in a pool of parser processes as soon as it is there, without a callback in between:
  // by whoever completes this future, never blocking. The future of fn's result; an exception or a cancellation here becomes
  // its exception, as does a parser pool that was shut down. Defined in remote_executor.h.
  template <auto Fn>
  [[nodiscard]] auto then_in(RemoteExecutor& parsers) const;

  // co_await future: result() without a thread that waits (detail/awaiter.h).

  friend bool operator==(const Future& a, const Future& b) noexcept { return a.state_.get() == b.state_.get(); }

 private:
  friend struct detail::FutureAccess;

  explicit Future(detail::StateRef state) noexcept : state_(std::move(state)) {}

  detail::FutureState& shared_state() const {
    if (!state_) [[unlikely]]
      detail::refuse_empty_future();
    return *state_;
  }
  detail::ValueState<T>& state() const { return static_cast<detail::ValueState<T>&>(shared_state()); }

  const detail::FutureState& wait_done(const detail::Deadline& deadline) const {
    detail::FutureState& state = shared_state();
    if (!state.wait(deadline)) throw TimeoutError();
    if (state.cancelled()) throw CancelledError();
    return state;
  }
  void wait_value(const detail::Deadline& deadline) const {
    if (const std::exception_ptr& error = wait_done(deadline).error()) std::rethrow_exception(error);
  }
  std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>> get(const detail::Deadline& deadline) const {
    wait_value(deadline);
    if constexpr (!std::is_void_v<T>) return state().value();
  }
  T take(const detail::Deadline& deadline) const {
    wait_value(deadline);
    if constexpr (std::is_void_v<T>) {
      return;
    } else if constexpr (std::is_copy_constructible_v<T>) {
      if (!state_->sole_owner()) return state().value();
      return std::move(state().value());
    } else {
      return std::move(state().value());
    }
  }

  template <class Callback>
  static std::unique_ptr<detail::Completion> make_callback(Callback&& callback) {
    struct Call final : detail::Completion {
      explicit Call(Callback&& from) : call(std::in_place, std::forward<Callback>(from)) {}
      void run(detail::FutureState& state) noexcept override {
        try {
          (*call)(Future(detail::StateRef::share(&state)));
        } catch (detail::ForcedUnwind&) {
          detail::refuse_to_unwind("a done callback");
        } catch (...) {
          detail::report_error("a done callback", std::current_exception());
        }
      }
      detail::OwnedCall<std::decay_t<Callback>> call;
    };
    return std::make_unique<Call>(std::forward<Callback>(callback));
  }

  detail::StateRef state_;
};

namespace detail {

// How the pools get at what users must not.
struct FutureAccess {
  template <class T>
  static Future<T> adopt(ValueState<T>* state) noexcept {
    return Future<T>(StateRef::adopt(state));
  }
  template <class T>
  static Future<T> share(ValueState<T>* state) noexcept {
    return Future<T>(StateRef::share(state));
  }
  template <class T>
  static ValueState<T>& state(const Future<T>& future) {  // throws InvalidStateError if it is empty
    return future.state();
  }
  template <class T, class Callback>
  static std::unique_ptr<Completion> make_callback(Callback&& callback) {
    return Future<T>::make_callback(std::forward<Callback>(callback));
  }
};

}  // namespace detail

// A future that the caller completes: for adapters and tests. Exactly one of the set_ calls succeeds; a second, one after a
// cancellation, and any call on a promise that was moved from throws InvalidStateError.
template <class T>
class Promise {
 public:
  Promise() : state_(detail::StateRef::adopt(new detail::ValueState<T>)) {}

  [[nodiscard]] Future<T> future() const { return detail::FutureAccess::share(&state()); }
  // False: the future was cancelled, do not run the task.
  [[nodiscard]] bool set_running() const { return state().try_start(); }

  // Throws also what the value's constructor throws; then nothing has been set.
  template <class... Args>
  void set_value(Args&&... args) const {
    claim();
    try {
      state().emplace_value(std::forward<Args>(args)...);
    } catch (...) {
      state().unclaim();
      throw;
    }
    state().finish(nullptr);
  }
  void set_exception(std::exception_ptr error) const {
    claim();
    state().finish(std::move(error));
  }

 private:
  detail::ValueState<T>& state() const {
    if (!state_) throw InvalidStateError("the promise is empty: it was moved from");
    return static_cast<detail::ValueState<T>&>(*state_);
  }
  void claim() const {
    if (!state().claim()) throw InvalidStateError("the future is done already");
  }

  detail::StateRef state_;
};

}  // namespace pools

#include "pools/detail/awaiter.h"  // co_await
#include "pools/wait.h"            // wait, as_completed
