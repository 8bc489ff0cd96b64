#pragma once

// How many workers a pool is to have: a number, the pool's own default, or bounds within which it sizes itself.

#include <optional>

namespace pools {

// A pool that sizes itself: workers = pools::self_sizing{.min = 1, .max = 200}, in the options or by resize(). It begins with as many workers as
// there are usable cores, and measures what its workers do: `waited`, with a task and neither computing nor waiting for a core, and `computed`.
// It takes the least size at which the cores would compute for 98 % of the time: by Little's law that is about cores * (1 + waited / computed),
// and a little more since tasks do not wait in turn (the closed network of a delay and a processor-sharing station: Baskett, Chandy, Muntz and
// Palacios 1975; Muntz and Wong's bounds are its two ends). Tasks that only wait get a worker each, tasks that only compute as many as there are
// cores. It never has more than are needed for the tasks that are there, and gives up those that no task has needed for 10 s. It looks some 20
// times a second while a task runs, and never while none does. docs/self_sizing.md has the arithmetic, and what it was held against.
struct SelfSizing {
  int min = 1;    // >= 1
  int max = 200;  // >= min
};
using self_sizing = SelfSizing;  // NOLINT(readability-identifier-naming): reads as what it is in an initializer

// Of an option `workers`. A value.
class WorkerCount {
 public:
  constexpr WorkerCount() noexcept = default;                                    // the pool's own default
  constexpr WorkerCount(std::nullopt_t) noexcept {}                              // NOLINT(google-explicit-constructor)
  constexpr WorkerCount(int count) noexcept : count_(count) {}                   // NOLINT(google-explicit-constructor)
  constexpr WorkerCount(std::optional<int> count) noexcept : count_(count) {}    // NOLINT(google-explicit-constructor)
  constexpr WorkerCount(const SelfSizing& bounds) noexcept : bounds_(bounds) {}  // NOLINT(google-explicit-constructor)

  // The number; none: the pool's own default, or bounds().
  constexpr bool has_value() const noexcept { return count_.has_value(); }
  constexpr explicit operator bool() const noexcept { return count_.has_value(); }
  constexpr int operator*() const noexcept { return *count_; }  // REQUIRES: has_value()
  constexpr int value_or(int otherwise) const noexcept { return count_.value_or(otherwise); }
  // Where the pool sizes itself.
  constexpr const std::optional<SelfSizing>& bounds() const noexcept { return bounds_; }

 private:
  std::optional<int> count_ = {};
  std::optional<SelfSizing> bounds_ = {};
};

}  // namespace pools
