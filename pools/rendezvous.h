#pragma once

// Where one thread waits for several futures: arrivals in completion order.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "pools/future_state.h"
#include "pools/futex.h"

namespace pools::detail {

// Shared by the waiting thread and the continuations of the futures it watches.
class Rendezvous {
 public:
  explicit Rendezvous(std::size_t capacity) { order_.reserve(capacity); }   // arrive() must not allocate

  void arrive(std::size_t index) noexcept;
  // The arrival after those that were returned before; nothing when the deadline came first. For one thread.
  std::optional<std::size_t> next(const Deadline& deadline) noexcept;

 private:
  static constexpr std::uint32_t kWaiting = 1;   // a thread sleeps, or is about to, on word_
  static constexpr std::uint32_t kArrival = 2;

  // Arrivals * kArrival + kWaiting. Invariant: it changes at every arrival, and an arrival that sees kWaiting wakes.
  std::atomic<std::uint32_t> word_{0};
  std::mutex mutex_;
  std::vector<std::size_t> order_;   // guarded by mutex_
  std::size_t returned_ = 0;         // the waiting thread's
};

// Continuations on a set of states, all taken back at the end. For one thread.
class Watch {
 public:
  explicit Watch(std::size_t capacity) : rendezvous_(std::make_shared<Rendezvous>(capacity)) { watched_.reserve(capacity); }
  ~Watch() {
    for (auto& [state, completion] : watched_) {
      if (state) state->take_back_continuation(completion);
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // False if the state is done already: it will not arrive.
  bool add(FutureState& state, std::size_t index);
  std::optional<std::size_t> next(const Deadline& deadline) noexcept;

 private:
  std::shared_ptr<Rendezvous> rendezvous_;
  std::vector<std::pair<StateRef, const Completion*>> watched_;
  std::vector<std::size_t> slot_of_index_;
};

}  // namespace pools::detail
