#include "pools/detail/watch.h"

#include <chrono>

#include "pools/detail/runner.h"
#include "pools/src/future/completion_queue.h"
#include "pools/src/thread/dispatch.h"
#include "pools/src/thread/waits_for.h"

namespace pools::detail {

Watch::Watch(std::size_t capacity) : completions_(std::make_shared<CompletionQueue>(capacity)) { watched_.reserve(capacity); }

bool Watch::add(FutureState& state, std::size_t index) {
  struct Arrival final : Completion {
    Arrival(std::shared_ptr<CompletionQueue> at, std::size_t number) : completions(std::move(at)), index(number) {}
    void run(FutureState&) noexcept override { completions->arrive(index); }
    std::shared_ptr<CompletionQueue> completions;
    std::size_t index;
  };
  state.require_completion_here();
  std::unique_ptr<Completion> arrival = std::make_unique<Arrival>(completions_, index);
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
      index = completions_->next(deadline);
    } while (index == CompletionQueue::kNudge);  // from when a runner waited here
  } else {
    index = next_on_runner(*this_runner);
  }
  // Arrived: nothing to take back, and no reason to keep the future alive.
  if (index) watched_[slot_of_index_[*index]].first = {};
  return index;
}

std::size_t Watch::next_on_runner(Runner& runner) {
  bool full = false;  // what holds this up is of a group without a permit, of which a nudge will tell
  for (bool paused = false;;) {
    // What has arrived before comes first.
    if (const auto arrived = completions_->next(std::chrono::steady_clock::time_point::min())) {
      if (*arrived != CompletionQueue::kNudge) return *arrived;
      full = false;
    }
    auto help = FutureState::Help::none;
    bool past_help = true;  // all so far, for ever
    for (std::size_t at = helped_; help == FutureState::Help::none && at < watched_.size(); ++at) {
      const StateRef state = watched_[at].first;
      if (state && !state->done()) help = help_on_thread(runner, *state, completions_);
      if (help == FutureState::Help::paused) break;
      if (help == FutureState::Help::full) {  // the next one may have one
        past_help = false;
        help = FutureState::Help::none;
      }
      if (past_help) helped_ = at + 1;
    }
    if (help == FutureState::Help::helped) continue;
    // Nothing that is waited for itself can be run here, or not now.
    paused |= help == FutureState::Help::paused;
    if (paused && !this_worker->dispatch().notify_on_resume(completions_)) {
      paused = false;
      continue;
    }
    StateRef to_help;
    {
      const WaitRecord record(runner, watched_, completions_);
      if (paused || full || !record.to_help()) {
        paused = false;
        full = false;
        // Whatever comes first: an arrival, the pause's end, a permit, or a wait that needs this thread.
        const std::size_t arrived = *completions_->next({});
        if (arrived != CompletionQueue::kNudge) return arrived;
        continue;
      }
      to_help = record.to_help();
    }
    help = help_on_thread(runner, *to_help, completions_);
    paused = help == FutureState::Help::paused;
    full = help == FutureState::Help::full;
  }
}

}  // namespace pools::detail
