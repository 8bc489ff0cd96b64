#include "pools/rendezvous.h"

#include "pools/dispatch.h"
#include "pools/runner.h"
#include "pools/waits_for.h"

namespace pools::detail {

void Rendezvous::arrive(std::size_t index) noexcept {
  {
    const std::lock_guard lock(mutex_);
    order_.push_back(index);
  }
  // Acq_rel is not needed for the data, which the mutex orders; the read-modify-write makes the wake-up decision: either
  // the waiter's compare sees the new count and does not sleep, or this sees kWaiting and wakes it.
  if (word_.fetch_add(kArrival, std::memory_order_relaxed) & kWaiting) futex_wake_all(word_);
}

void Rendezvous::nudge() noexcept {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  if (word_.fetch_add(kArrival, std::memory_order_relaxed) & kWaiting) futex_wake_all(word_);   // as in arrive()
}

std::optional<std::size_t> Rendezvous::next(const Deadline& deadline) noexcept {
  for (bool in_time = true;;) {
    // This is the only thread that sleeps here, and it is awake: until it says otherwise nobody need wake it.
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    if (word & kWaiting) word = word_.fetch_and(~kWaiting, std::memory_order_relaxed) & ~kWaiting;
    {
      const std::lock_guard lock(mutex_);
      if (returned_ < order_.size()) return order_[returned_++];
      if (std::exchange(nudged_, false)) return kNudge;
    }
    // An arrival whose entry was not in the list above adds to the word after `word` was read.
    if (!in_time) return std::nullopt;
    if (!(word & kWaiting)) {
      if (!word_.compare_exchange_strong(word, word | kWaiting, std::memory_order_relaxed)) continue;
      word |= kWaiting;
    }
    in_time = futex_wait(word_, word, deadline);
  }
}

bool Watch::add(FutureState& state, std::size_t index) {
  struct Arrival final : Completion {
    Arrival(std::shared_ptr<Rendezvous> at, std::size_t number) : rendezvous(std::move(at)), index(number) {}
    void run(FutureState&) noexcept override { rendezvous->arrive(index); }
    std::shared_ptr<Rendezvous> rendezvous;
    std::size_t index;
  };
  state.require_completion_here();
  std::unique_ptr<Completion> arrival = std::make_unique<Arrival>(rendezvous_, index);
  const Completion* const raw = arrival.get();
  if (!state.try_add_continuation(arrival)) return false;
  if (slot_of_index_.size() <= index) slot_of_index_.resize(index + 1);
  slot_of_index_[index] = watched_.size();
  watched_.emplace_back(StateRef::share(&state), raw);
  return true;
}

std::optional<std::size_t> Watch::next(const Deadline& deadline) {
  process_.require("the set of futures that is waited for");
  std::optional<std::size_t> index;
  if (deadline || this_runner == nullptr) {
    do {
      index = rendezvous_->next(deadline);
    } while (index == Rendezvous::kNudge);   // from when a runner waited here
  } else {
    index = next_on_runner(*this_runner);
  }
  // Arrived: nothing to take back, and no reason to keep the future alive.
  if (index) watched_[slot_of_index_[*index]].first = {};
  return index;
}

std::size_t Watch::next_on_runner(Runner& runner) {
  for (bool paused = false;;) {
    // What has arrived before comes first.
    if (const auto arrived = rendezvous_->next(std::chrono::steady_clock::time_point::min())) {
      if (*arrived != Rendezvous::kNudge) return *arrived;
    }
    auto help = FutureState::Help::none;
    for (; help == FutureState::Help::none && helped_ < watched_.size(); ++helped_) {
      const StateRef state = watched_[helped_].first;
      if (!state || state->done()) continue;
      help = help_on_thread(runner, *state);
      if (help == FutureState::Help::paused) break;
    }
    if (help == FutureState::Help::helped) continue;
    // Nothing that is waited for itself can be run here, or not now.
    paused |= help == FutureState::Help::paused;
    if (paused && !runner.thread_worker()->dispatch().notify_on_resume(rendezvous_)) {
      paused = false;
      continue;
    }
    StateRef to_help;
    {
      const WaitRecord record(runner, watched_, rendezvous_);
      if (paused || !record.to_help()) {
        paused = false;
        // Whatever comes first: an arrival, the pause's end, or a wait that needs this thread.
        const std::size_t arrived = *rendezvous_->next({});
        if (arrived != Rendezvous::kNudge) return arrived;
        continue;
      }
      to_help = record.to_help();
    }
    paused = help_on_thread(runner, *to_help) == FutureState::Help::paused;
  }
}

}  // namespace pools::detail
