#pragma once

// co_await future. Included by future.h.

#if defined(__cpp_impl_coroutine)  // Clang 14 has them, but not those of libstdc++

#include <coroutine>
#include <memory>
#include <utility>

#include "pools/future.h"

namespace pools {
namespace detail {

// Handle is Future<T>, owned, or const Future<T>&: what result() then gives is a value or a reference.
template <class T, class Handle>
class Awaiter {
 public:
  explicit Awaiter(Handle future) : future_(static_cast<Handle&&>(future)) {}

  bool await_ready() const { return future_.done(); }
  bool await_suspend(std::coroutine_handle<> waiting) const {
    // The coroutine may have gone on and be gone before this returns, and this awaiter with it.
    const Future<T> future = future_;
    FutureState& state = FutureAccess::state(future);
    state.require_completion_here();
    std::unique_ptr<Completion> resume = FutureAccess::make_callback<T>([waiting](const Future<T>&) { waiting.resume(); });
    return state.try_add_callback(resume);
  }
  decltype(auto) await_resume() { return static_cast<Handle&&>(future_).result(); }

 private:
  Handle future_;
};

}  // namespace detail

// In a coroutine: result() of the future, for which no thread waits. One that is done is read at once. Else the coroutine is suspended, and
// goes on where a callback of the future's would run (README.md): in its place among them. What it throws then, if its promise lets that
// pass, goes to the error hook. A future that is never completed never resumes it.
template <class T>
auto operator co_await(const Future<T>& future) {
  return detail::Awaiter<T, const Future<T>&>(future);
}
template <class T>
auto operator co_await(Future<T>&& future) {
  return detail::Awaiter<T, Future<T>>(std::move(future));
}

}  // namespace pools

#endif
