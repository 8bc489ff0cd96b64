#pragma once

// What map() returns on both pools: the results in the order of the inputs, as a lazy input range.

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "pools/detail/futex.h"
#include "pools/future.h"
#include "pools/options.h"

namespace pools {
namespace detail {

// The items of a map: where they come from and how far ahead of the reader they are submitted. For one thread.
template <class R>
class MapItems {
 public:
  virtual ~MapItems() = default;
  // Makes sure that what should be under way is; false when there is no further item.
  virtual bool prepare() = 0;
  virtual const R& current(const Deadline& deadline) = 0;  // waits; throws what the task threw, TimeoutError
  virtual void pass() = 0;                                 // drops the current item
  virtual void cancel_rest() noexcept = 0;
};

}  // namespace detail

// Iterate it once, from one thread. *it waits for the item and rethrows what its task threw; ++it goes on to the next item also
// after that. When the deadline comes first, *it throws TimeoutError; an item that is ready is still delivered. A timeout,
// and dropping the range, cancel what has not started.
template <class R>
class MapResults {
 public:
  MapResults(std::unique_ptr<detail::MapItems<R>> items, detail::Deadline deadline)
      : items_(std::move(items)), deadline_(deadline) {}
  ~MapResults() {
    if (items_) items_->cancel_rest();
  }
  MapResults(MapResults&&) noexcept = default;
  MapResults& operator=(MapResults&& other) noexcept {
    if (items_) items_->cancel_rest();
    items_ = std::move(other.items_);
    deadline_ = other.deadline_;
    return *this;
  }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using difference_type = std::ptrdiff_t;
    using value_type = R;

    Iterator() = default;
    explicit Iterator(MapResults* range) : range_(range), more_(range->items_->prepare()) {}
    const R& operator*() const { return range_->read(); }
    Iterator& operator++() {
      range_->items_->pass();
      more_ = range_->items_->prepare();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& at, std::default_sentinel_t) { return !at.more_; }

   private:
    MapResults* range_ = nullptr;
    bool more_ = false;
  };

  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  const R& read() {
    try {
      return items_->current(deadline_);
    } catch (const TimeoutError&) {
      // The map's own deadline, or a TimeoutError of the task: only in the first case is the rest given up.
      if (deadline_ && std::chrono::steady_clock::now() >= *deadline_) items_->cancel_rest();
      throw;
    }
  }

  std::unique_ptr<detail::MapItems<R>> items_;
  detail::Deadline deadline_;
};

namespace detail {

inline void check(const MapOptions& options) {
  if (options.chunksize < 1) {
    throw std::invalid_argument("chunksize must be at least 1, not " + std::to_string(options.chunksize));
  }
}

// Walks several ranges in step, to the end of the shortest. Keeps rvalue ranges alive, refers to lvalue ones.
template <class... Ranges>
class Zip {
 public:
  explicit Zip(Ranges&&... ranges) : ranges_(std::forward<Ranges>(ranges)...) {}
  Zip(const Zip&) = delete;

  bool at_end() {
    look();
    return std::apply(
        [this](auto&... range) {
          return std::apply([&](auto&... at) { return (... || (at == std::ranges::end(range))); }, *at_);
        },
        ranges_);
  }
  // use(element...), also if that throws the last that is done with them: the step on is made when somebody looks again, so that one that
  // throws takes nothing with it. REQUIRES: !at_end()
  template <class Use>
  decltype(auto) next(Use&& use) {
    look();
    used_ = true;
    return std::apply([&](auto&... at) -> decltype(auto) { return std::forward<Use>(use)(element<Ranges>(at)...); }, *at_);
  }

 private:
  // Moved out of a container that is ours. A view that is ours may still look at what is somebody else's.
  template <class Range, class At>
  static decltype(auto) element(At& at) {
    if constexpr (std::is_lvalue_reference_v<Range> || std::ranges::view<Range> || std::ranges::borrowed_range<Range>) {
      return *at;
    } else {
      return std::ranges::iter_move(at);
    }
  }

  // At the elements that have not been used.
  void look() {
    if (!at_) std::apply([this](auto&... range) { at_.emplace(std::ranges::begin(range)...); }, ranges_);
    if (std::exchange(used_, false)) std::apply([](auto&... at) { (..., static_cast<void>(++at)); }, *at_);
  }

  std::tuple<Ranges...> ranges_;  // an lvalue range's type is a reference
  std::optional<std::tuple<std::ranges::iterator_t<std::remove_reference_t<Ranges>>...>> at_;
  bool used_ = false;  // what they are at
};

}  // namespace detail
}  // namespace pools
