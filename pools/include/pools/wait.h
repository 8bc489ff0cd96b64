#pragma once

// wait() and as_completed(): for several futures at once. Included by future.h. Duplicates collapse; each future is
// watched by a continuation that is taken back when nobody waits any more.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pools/detail/watch.h"
#include "pools/future.h"

namespace pools {

enum class ReturnWhen {
  first_completed,  // at least one is done
  first_exception,  // one finished with an exception (a cancellation is none), or all are done
  all_completed,
};

// Both in the order given, without duplicates.
template <class T>
struct WaitResult {
  std::vector<Future<T>> done;
  std::vector<Future<T>> not_done;
};

namespace detail {

template <class T>
inline constexpr bool kIsFuture = false;
template <class T>
inline constexpr bool kIsFuture<Future<T>> = true;

template <class Range>
using FutureOf = std::remove_cvref_t<std::iter_reference_t<decltype(std::begin(std::declval<Range&>()))>>;

template <class Range>
concept Futures = requires(Range& range) {
  std::begin(range) == std::end(range);
  requires kIsFuture<FutureOf<Range>>;
};
// Stands where there should be one: one error is enough.
struct NoFuture {};
// Fails to compile, in words, for what is no range of futures.
template <class Range>
constexpr void check_futures() {
  static_assert(Futures<Range>,
                "wait and as_completed take a range of futures of one type, such as std::vector<pools::Future<int>>");
}

template <class Range>
auto distinct(Range&& futures) {
  std::vector<FutureOf<Range>> distinct_futures;
  std::unordered_set<const void*> seen;
  for (const auto& future : futures) {
    if (seen.insert(&FutureAccess::state(future)).second) distinct_futures.push_back(future);
  }
  return distinct_futures;
}

template <class T>
WaitResult<T> partition(std::vector<Future<T>> futures) {
  WaitResult<T> result;
  for (Future<T>& future : futures) (future.done() ? result.done : result.not_done).push_back(std::move(future));
  return result;
}

template <class T>
WaitResult<T> wait_distinct(std::vector<Future<T>> futures, const Deadline& deadline, ReturnWhen when) {
  if (when == ReturnWhen::all_completed) {
    // One after the other: most are done by the time it is their turn, and nothing needs to be registered with any.
    for (const Future<T>& future : futures) {
      if (!FutureAccess::state(future).wait(deadline)) break;
    }
    return partition(std::move(futures));
  }
  std::size_t done = 0;
  bool failed = false;
  Watch watch(futures.size());
  for (std::size_t index = 0; index < futures.size(); ++index) {
    FutureState& state = FutureAccess::state(futures[index]);
    if (watch.add(state, index)) continue;
    ++done;
    failed |= !state.cancelled() && state.error() != nullptr;
  }
  const auto satisfied = [&] { return done == futures.size() || (when == ReturnWhen::first_completed ? done > 0 : failed); };
  while (!satisfied()) {
    const auto index = watch.next(deadline);
    if (!index) break;
    ++done;
    const FutureState& state = FutureAccess::state(futures[*index]);
    failed |= !state.cancelled() && state.error() != nullptr;
  }
  return partition(std::move(futures));
}

}  // namespace detail

// Returns when what `when` says has come about; with a timeout (zero or negative: look once) at its end at the latest, with
// the sets as they are then. Throws nothing of the futures' own; without a timeout in a task what result() throws there: DeadlockError,
// RecursionError.
template <class Range>
auto wait(Range&& futures, ReturnWhen when = ReturnWhen::all_completed) {
  detail::check_futures<Range>();
  if constexpr (detail::Futures<Range>) {
    return detail::wait_distinct(detail::distinct(futures), {}, when);
  } else {
    return WaitResult<detail::NoFuture>();  // has not compiled
  }
}
template <class Range>
auto wait(Range&& futures, std::chrono::nanoseconds timeout, ReturnWhen when = ReturnWhen::all_completed) {
  const detail::Deadline deadline = detail::deadline_after(timeout);
  detail::check_futures<Range>();
  if constexpr (detail::Futures<Range>) {
    return detail::wait_distinct(detail::distinct(futures), deadline, when);
  } else {
    return WaitResult<detail::NoFuture>();  // has not compiled
  }
}

// What as_completed returns: an input range of futures, first those that were done at the call, then the others in the
// order in which they are completed. Iterate it once, from one thread. A future that has been passed is not kept alive.
template <class T>
class AsCompleted {
 public:
  AsCompleted(std::vector<Future<T>> futures, detail::Deadline deadline)
      : futures_(std::move(futures)), deadline_(deadline), watch_(std::make_unique<detail::Watch>(futures_.size())) {
    for (std::size_t index = 0; index < futures_.size(); ++index) {
      if (!watch_->add(detail::FutureAccess::state(futures_[index]), index)) finished_.push_back(index);
    }
  }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = Future<T>;

    Iterator() = default;
    explicit Iterator(AsCompleted* range) : range_(range) {}
    const Future<T>& operator*() const { return range_->current_; }
    Iterator& operator++() {
      range_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) { return at.at_end(); }

   private:
    bool at_end() const { return range_->at_end_; }
    AsCompleted* range_ = nullptr;
  };

  // begin() and ++ wait; they throw TimeoutError ("2 (of 4) futures unfinished") when the deadline comes first.
  Iterator begin() {
    advance();
    return Iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend class Iterator;

  void advance() {
    current_ = {};
    if (yielded_ == futures_.size()) {
      at_end_ = true;
      return;
    }
    std::size_t index = 0;
    if (yielded_ < finished_.size()) {
      index = finished_[yielded_];
    } else if (const auto next = watch_->next(deadline_)) {
      index = *next;
    } else {
      throw TimeoutError(std::to_string(futures_.size() - yielded_) + " (of " + std::to_string(futures_.size()) +
                         ") futures unfinished");
    }
    ++yielded_;
    current_ = std::move(futures_[index]);
  }

  std::vector<Future<T>> futures_;  // those passed are empty
  detail::Deadline deadline_;
  std::unique_ptr<detail::Watch> watch_;
  std::vector<std::size_t> finished_;  // done at the call
  std::size_t yielded_ = 0;
  Future<T> current_;
  bool at_end_ = false;
};

// The deadline counts from this call. Without one the iteration may throw as wait() does.
template <class Range>
[[nodiscard]] auto as_completed(Range&& futures) {
  detail::check_futures<Range>();
  if constexpr (detail::Futures<Range>) {
    return AsCompleted(detail::distinct(futures), detail::Deadline{});
  } else {
    return AsCompleted<detail::NoFuture>({}, {});  // has not compiled
  }
}
template <class Range>
[[nodiscard]] auto as_completed(Range&& futures, std::chrono::nanoseconds timeout) {
  const detail::Deadline deadline = detail::deadline_after(timeout);
  detail::check_futures<Range>();
  if constexpr (detail::Futures<Range>) {
    return AsCompleted(detail::distinct(futures), deadline);
  } else {
    return AsCompleted<detail::NoFuture>({}, {});  // has not compiled
  }
}

}  // namespace pools
