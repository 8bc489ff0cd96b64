#pragma once

// Where one thread waits for several futures.

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/detail/future_state.h"

namespace pools::detail {

class CompletionQueue;

// A state and the continuation that is to say that it is done; null when it has.
using Watched = std::pair<StateRef, const Completion*>;

// Continuations on a set of states, all taken back at the end. For one thread. One that runs a thread pool's jobs helps while it
// waits without a deadline, and throws what wait_on_runner() does (runner.h).
class Watch {
 public:
  explicit Watch(std::size_t capacity);
  ~Watch() {
    if (!process_.is_this()) return;  // in a fork nobody arrives
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
  std::shared_ptr<CompletionQueue> completions_;
  std::vector<Watched> watched_;
  std::size_t helped_ = 0;  // of watched_: so many of the first are past any help
  std::vector<std::size_t> slot_of_index_;
};

}  // namespace pools::detail
