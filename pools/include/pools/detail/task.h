#pragma once

// A task: the callable, its arguments, the result and the future's state in one allocation.

#include <concepts>
#include <cstdlib>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pools/detail/forced_unwind.h"
#include "pools/detail/job.h"
#include "pools/detail/owned_call.h"
#include "pools/detail/refused.h"
#include "pools/detail/runner.h"
#include "pools/future.h"

namespace pools::detail {

template <class R, class Call>
class Task final : public ValueState<R>, public Job {
 public:
  explicit Task(Call call) : call_(std::in_place, std::move(call)) {}

  void run(Runner& runner) noexcept override {
    const StateRef self = StateRef::adopt(this);
    if (this->try_start()) {
      execute(runner);
    } else {
      runner.settled();
      drop_if_cancelled(runner.events());
    }
  }
  void cancel(JobEvents& events) noexcept override {
    const StateRef self = StateRef::adopt(this);
    FutureState::cancel();
    drop_if_cancelled(events);
  }
  void fail(const std::exception_ptr& error, JobEvents& events) noexcept override {
    const StateRef self = StateRef::adopt(this);
    if (this->try_start()) {
      call_.drop();
      report_failed(events, this);
      this->finish(error);
    } else {
      drop_if_cancelled(events);
    }
  }
  void discard() noexcept override { const StateRef self = StateRef::adopt(this); }
  bool pending() const noexcept override { return this->pending_in() != nullptr; }

 protected:
  FutureState::Help help(WaitRecord& wait) override {
    return run_on_top(wait, *this, *this, [](FutureState& self, Runner& runner) { static_cast<Task&>(self).execute(runner); });
  }

 private:
  // REQUIRES: it has been started.
  void execute(Runner& runner) noexcept {
    runner.started(*this, this);
    runner.settled();
    const FutureState* const outer = runner.exchange_task(this);
    std::exception_ptr error;
    try {
      if constexpr (std::is_void_v<R>) {
        (*call_)();
        this->emplace_value();
      } else {
        this->emplace_value((*call_)());
      }
    } catch (ForcedUnwind&) {
      refuse_to_unwind("a task");
    } catch (...) {
      error = std::current_exception();
    }
    end_if_forked();
    // Captures are gone before the result is published.
    if (std::exception_ptr thrown = call_.destroy()) {
      if (error) {
        report_error("the destructor of what a task or callback holds", thrown);
      } else {
        error = std::move(thrown);
      }
    }
    runner.exchange_task(outer);
    runner.ended(*this, error != nullptr);
    runner.about_to_publish();
    this->finish(std::move(error));
  }
  // Not pending: cancelled, or run already by a worker that waited for it.
  void drop_if_cancelled(JobEvents& events) noexcept {
    if (!this->cancelled()) return;
    call_.drop();
    this->await_canceller();
    report_dropped(events);
  }

  OwnedCall<Call> call_;
};

template <class Call>
class DetachedTask final : public Job, public InBlocks {
 public:
  explicit DetachedTask(Call call) : call_(std::in_place, std::move(call)) {}

  void run(Runner& runner) noexcept override {
    runner.started(*this, nullptr);
    runner.settled();
    const FutureState* const outer = runner.exchange_task(nullptr);
    bool failed = false;
    try {
      (*call_)();
    } catch (ForcedUnwind&) {
      refuse_to_unwind("a posted task");
    } catch (...) {
      failed = true;
      report_error("a posted task", std::current_exception());
    }
    end_if_forked();
    if (const std::exception_ptr thrown = call_.destroy()) {
      failed = true;
      report_error("a posted task", thrown);
    }
    runner.exchange_task(outer);
    runner.ended(*this, failed);
    delete this;
  }
  void cancel(JobEvents& events) noexcept override {
    report_stateless_cancelled(events);
    delete this;
  }
  void fail(const std::exception_ptr& error, JobEvents& events) noexcept override {
    report_failed(events, nullptr);
    report_error("a posted task", error);
    delete this;
  }
  void discard() noexcept override { delete this; }

 private:
  OwnedCall<Call> call_;
};

// Owns the task's own reference; the pool takes it over with release().
struct Discard {
  void operator()(Job* task) const noexcept { task->discard(); }
};
template <class T>
using Owned = std::unique_ptr<T, Discard>;

template <class R, class Call>
auto make_task(Call call) {
  using TaskType = Task<R, Call>;
  return Owned<TaskType>(new TaskType(std::move(call)));
}

template <class Call>
auto make_detached(Call call) {
  using TaskType = DetachedTask<Call>;
  return Owned<TaskType>(new TaskType(std::move(call)));
}

template <class... Args>
inline constexpr bool kKept = (std::is_constructible_v<std::decay_t<Args>, Args> && ...);
// Fails to compile, in words, where one cannot be kept for the task.
template <class... Args>
constexpr void check_kept() {
  static_assert(
      kKept<Args...>,
      "a task keeps its callable and its arguments: what cannot be copied has to be moved, submit(f, std::move(argument))");
}

template <class F, class... Args>
auto bind_call(F&& f, Args&&... args) {
  check_kept<F, Args...>();
  if constexpr (kKept<F, Args...>) {
    return [f = std::decay_t<F>(std::forward<F>(f)),
            arguments = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable -> decltype(auto) {
      return std::apply([&f](auto&... values) -> decltype(auto) { return std::invoke(std::move(f), std::move(values)...); },
                        arguments);
    };
  } else {
    return []() -> std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...> { std::abort(); };  // has not compiled
  }
}

template <auto Fn, class... Args>
auto bind_call(Args&&... args) {
  check_kept<Args...>();
  constexpr bool kFits = std::invocable<decltype(Fn), std::decay_t<Args>...>;
  static_assert(kFits, "submit<&f>(args...) calls f with copies of its arguments, as rvalues: this f does not take them");
  if constexpr (kFits && kKept<Args...>) {
    return [arguments = std::tuple<std::decay_t<Args>...>(std::forward<Args>(args)...)]() mutable -> decltype(auto) {
      return std::apply([](auto&... values) -> decltype(auto) { return std::invoke(Fn, std::move(values)...); }, arguments);
    };
  } else {
    return [] {};  // has not compiled
  }
}

// Fails to compile, in words, for a callable that cannot be called with what a task keeps.
template <class F>
constexpr void refuse_arguments() {
  static_assert(
      kRefused<F>,
      "submit(f, args...) calls f with copies of its arguments, as rvalues: this f does not take them (std::ref(argument) passes a reference)");
}

}  // namespace pools::detail
