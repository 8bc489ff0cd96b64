#pragma once

// How [first, last) is cut into consecutive blocks that differ by one in size, at most.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace pools::detail {

template <class T>
concept Countable = std::integral<T> && !std::same_as<std::remove_cv_t<T>, bool>;

template <class First, class Last>
concept BlockBounds = (Countable<First> && Countable<Last>) ||
                      (std::random_access_iterator<First> && std::sized_sentinel_for<Last, First>);

// What a block begins and ends with: of two integral types their common one, as in `0, items.size()`.
template <class First, class Last>
struct BoundOf : std::type_identity<First> {};
template <Countable First, Countable Last>
struct BoundOf<First, Last> : std::common_type<First, Last> {};

// REQUIRES: number > 0
template <class Bound>
class Blocks {
 public:
  template <class Last>
  Blocks(Bound first, const Last& last, std::size_t number) : first_(first), size_(distance(first, last)) {
    number_ = number < size_ ? number : static_cast<std::size_t>(size_);
  }

  std::size_t number() const noexcept { return number_; }  // as many as asked for, or as there are elements
  Bound begin(std::size_t block) const { return at(size_ / number_ * block + std::min<std::uint64_t>(block, size_ % number_)); }
  Bound end(std::size_t block) const { return begin(block + 1); }

 private:
  template <class Last>
  static std::uint64_t distance(const Bound& first, const Last& last) {
    if constexpr (std::integral<Bound>) {
      // Modulo 2^64, and so right for signed ones, too.
      return first < static_cast<Bound>(last) ? static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first) : 0;
    } else {
      const auto size = last - first;
      return size > 0 ? static_cast<std::uint64_t>(size) : 0;
    }
  }
  Bound at(std::uint64_t offset) const {
    if constexpr (std::integral<Bound>) {
      return static_cast<Bound>(static_cast<std::uint64_t>(first_) + offset);
    } else {
      return first_ + static_cast<std::iter_difference_t<Bound>>(offset);
    }
  }

  Bound first_;
  std::uint64_t size_;
  std::size_t number_;
};

// Throws std::invalid_argument where the common type of two bounds does not have this one's value.
template <Countable Bound, Countable From>
Bound bound_of(From from) {
  if (!std::in_range<Bound>(from)) {
    throw std::invalid_argument("of the bounds of the blocks one is unsigned, and the other below 0: " + std::to_string(from));
  }
  return static_cast<Bound>(from);
}

template <class Bound, class First, class Last>
Blocks<Bound> cut(const First& first, const Last& last, std::size_t number) {
  if constexpr (Countable<Bound>) {
    return Blocks<Bound>(bound_of<Bound>(first), bound_of<Bound>(last), number);
  } else {
    return Blocks<Bound>(first, last, number);
  }
}

}  // namespace pools::detail
