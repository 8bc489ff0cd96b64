#pragma once

// What executors share that take functions only, and have neither futures nor callbacks of their own: both are this project's, the same
// for all.

#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "harness/engine/strategies/executor.h"
#include "pools/future.h"
#include "pools/thread_pool.h"

namespace harness {

// A call that is run later, once, by whatever thread.
template <auto Fn, class... Args>
class PromisedCall {
 public:
  template <class... From>
  explicit PromisedCall(From&&... from) : arguments_(std::forward<From>(from)...) {}

  auto future() const { return promise_.future(); }
  void run() noexcept {
    if (!promise_.set_running()) return;
    try {
      promise_.set_value(std::apply(Fn, std::move(arguments_)));
    } catch (...) {
      promise_.set_exception(std::current_exception());
    }
  }

 private:
  pools::Promise<std::invoke_result_t<decltype(Fn), Args...>> promise_;
  std::tuple<Args...> arguments_;
};

// Where the done callbacks of an executor run: on the thread that ran the task, or on one thread, in the order given.
class Callbacks {
 public:
  explicit Callbacks(CallbacksOn on) {
    if (on != CallbacksOn::callback_thread) return;
    thread_ = std::make_unique<pools::ThreadPool>(1);
    thread_->start_all();
  }

  // Before the task can run.
  template <class T, class Callback>
  void attach(const pools::Future<T>& future, Callback callback) {
    if (thread_ == nullptr) {
      future.add_done_callback(std::move(callback));
    } else {
      future.add_done_callback([thread = thread_.get(), callback](auto done) {
        thread->post([callback, done]() mutable { callback(std::move(done)); });
      });
    }
  }
  void shutdown() {
    if (thread_) thread_->shutdown();
  }

 private:
  std::unique_ptr<pools::ThreadPool> thread_;  // null when callbacks run on the task's thread
};

}  // namespace harness
