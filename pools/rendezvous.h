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

#include "pools/forks.h"
#include "pools/future_state.h"
#include "pools/futex.h"

namespace pools::detail {

// Shared by the waiting thread and the continuations of the futures it watches.
class Rendezvous {
 public:
  explicit Rendezvous(std::size_t capacity) { order_.reserve(capacity); }   // arrive() must not allocate

  void arrive(std::size_t index) noexcept;
  // next() returns kNudge once, after the arrivals before it; several nudges may be one.
  void nudge() noexcept;
  static constexpr std::size_t kNudge = static_cast<std::size_t>(-1);
  // The arrival after those that were returned before; nothing when the deadline came first. For one thread.
  std::optional<std::size_t> next(const Deadline& deadline) noexcept;

 private:
  static constexpr std::uint32_t kWaiting = 1;   // a thread sleeps, or is about to, on word_
  static constexpr std::uint32_t kArrival = 2;

  // Arrivals * kArrival + kWaiting. Invariant: it changes at every arrival, and an arrival that sees kWaiting wakes.
  std::atomic<std::uint32_t> word_{0};
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::size_t> order_;
  bool nudged_ = false;
  std::size_t returned_ = 0;         // the waiting thread's
};

// A state and the continuation that is to say that it is done; null when it has.
using Watched = std::pair<StateRef, const Completion*>;

// Continuations on a set of states, all taken back at the end. For one thread. One that runs a thread pool's jobs helps while it
// waits without a deadline, and throws what wait_on_runner() does (runner.h).
class Watch {
 public:
  explicit Watch(std::size_t capacity) : rendezvous_(std::make_shared<Rendezvous>(capacity)) { watched_.reserve(capacity); }
  ~Watch() {
    if (!process_.is_this()) return;   // in a fork nobody arrives
    for (auto& [state, completion] : watched_) {
      if (state) state->take_back_continuation(completion);
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // False if the state is done already: it will not arrive. Throws Error in a fork, as next() does.
  bool add(FutureState& state, std::size_t index);
  std::optional<std::size_t> next(const Deadline& deadline);

 private:
  std::size_t next_on_runner(class Runner& runner);

  const OwningProcess process_;
  std::shared_ptr<Rendezvous> rendezvous_;
  std::vector<Watched> watched_;
  std::size_t helped_ = 0;   // of watched_: so many of the first are past any help
  std::vector<std::size_t> slot_of_index_;
};

}  // namespace pools::detail
