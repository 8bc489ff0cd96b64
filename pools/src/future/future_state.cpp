#include "pools/detail/future_state.h"

#include <array>
#include <cstddef>
#include <new>

#include "pools/detail/runner.h"
#include "pools/detail/stack.h"
#include "pools/src/base/backoff.h"
#include "pools/src/base/mutex.h"
#include "pools/src/future/delivery_queue.h"

namespace pools::detail {
namespace {

// Lists of completions are short-lived and rarely contended: a few mutexes shared by all states keep each state small.
constinit std::array<Mutex, 64> stripes;

// Continuations, callbacks and destructors may complete or drop the next future, which has some in turn, and so on through a chain of any
// length. None of them recurses through it: what is nested too deeply is put off, to the frame of this thread that these point to, which
// sees to it before it returns. Continuations, which are the library's own, never nest; callbacks and destructors, which are the
// user's and may count on what is nested having happened, do until the stack runs low.
constinit thread_local CompletionList* put_off_continuations = nullptr;
constinit thread_local DeliveryQueue* put_off_callbacks = nullptr;
constinit thread_local FutureState** put_off_destructions = nullptr;

constexpr std::size_t kStackToHelp = std::size_t{128} << 10;  // for what a supervisor does, on a thread of the user's

Mutex& stripe_of(const void* state) { return stripes[(reinterpret_cast<std::uintptr_t>(state) / 64) % stripes.size()]; }

// Threads that a fork does not have may have held them, for lists that it does not touch.
const AtFork renew_stripes([] {
  for (Mutex& stripe : stripes) ::new (&stripe) Mutex;
});

}  // namespace

std::unique_ptr<Completion> CompletionList::take(const Completion* wanted) {
  Completion* previous = nullptr;
  for (Completion* at = first_.get(); at != nullptr; previous = at, at = at->next_.get()) {
    if (at != wanted) continue;
    std::unique_ptr<Completion>& link = previous == nullptr ? first_ : previous->next_;
    std::unique_ptr<Completion> taken = std::move(link);
    link = std::move(taken->next_);
    if (last_ == taken.get()) last_ = previous;
    return taken;
  }
  return nullptr;
}

FutureState::~FutureState() = default;

bool FutureState::try_start() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & kStatus) != kPending) return false;
    // Relaxed: starting publishes nothing; what the task needs came with the task through the pool's queue.
  } while (!word_.compare_exchange_weak(word, word | kRunning, std::memory_order_relaxed));
  return true;
}

bool FutureState::cancel(std::uint32_t ends_running) noexcept {
  std::uint32_t word = word_.load(std::memory_order_acquire);  // Acquire: pairs with offer()
  const auto may_cancel = [&word, ends_running] {
    const std::uint32_t status = word & kStatus;
    return status == kPending || (status == kRunning && (word & ends_running) != 0 && (word & kClaimed) == 0);
  };
  if (!may_cancel() || !may_be_completed_here()) return (word & kStatus) == kCancelled;
  const StateRef keep = StateRef::share(this);
  bool was_running = false;
  {
    // The lock is for await_canceller(): whoever takes it after having seen the step below finds the sink told.
    const Lock lock(stripe_of(this));
    do {
      if (!may_cancel()) return (word & kStatus) == kCancelled;
      was_running = (word & kStatus) == kRunning || ((word & kOffered) != 0 && !withdraw_offer());
      if (was_running && (word & ends_running) == 0) return false;
      // Acquire: the completer takes over the lists that the setters of the flags filled. Release: done() sees the rest.
    } while (!word_.compare_exchange_weak(word, kCancelled, std::memory_order_acq_rel, std::memory_order_acquire));
    if (sink_ != nullptr) sink_->note_cancelled(*this);
  }
  if (was_running) cancelled_while_running();
  completed(word, true);
  return true;
}

bool FutureState::offer() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & kStatus) != kPending) return false;
    // Release: a canceller that sees the flag sees what withdraw_offer() needs.
  } while (!word_.compare_exchange_weak(word, word | kOffered, std::memory_order_release, std::memory_order_relaxed));
  return true;
}

void FutureState::recall() noexcept {
  // The lock: a canceller within withdraw_offer() comes to its end first.
  const Lock lock(stripe_of(this));
  word_.fetch_and(~kOffered, std::memory_order_relaxed);
}

bool FutureState::begun_elsewhere() const noexcept {
  if (!may_be_completed_here()) return false;
  const Lock lock(stripe_of(this));
  // Acquire: pairs with offer().
  const std::uint32_t word = word_.load(std::memory_order_acquire);
  return (word & kStatus) == kRunning || ((word & (kStatus | kOffered)) == kOffered && offer_begun());
}

void FutureState::await_all_cancellers() noexcept {
  for (Mutex& stripe : stripes) {
    const Lock lock(stripe);
  }
}

void FutureState::await_canceller() noexcept { const Lock lock(stripe_of(this)); }

void FutureState::finish(std::exception_ptr error) {
  // Only the one who runs the task gets here in earnest; the check is for producers that do it twice.
  if ((word_.load(std::memory_order_relaxed) & kStatus) != kRunning) {
    throw InvalidStateError("the future is done already, or was never started");
  }
  error_ = std::move(error);
  // Release publishes value and error; acquire takes over the lists. An exchange, so that every flag set so far is seen.
  const std::uint32_t before = word_.exchange(kFinished, std::memory_order_acq_rel);
  completed(before, false);
}

bool FutureState::claim() noexcept {
  std::uint32_t word = word_.load(std::memory_order_relaxed);
  do {
    if (is_done(word) || (word & kClaimed)) return false;
    // Acquire: after an unclaim(), what the one before left half-done is seen.
  } while (!word_.compare_exchange_weak(word, word | kRunning | kClaimed, std::memory_order_acquire, std::memory_order_relaxed));
  return true;
}

void FutureState::unclaim() noexcept { word_.fetch_and(~kClaimed, std::memory_order_release); }

bool FutureState::expect_helper() noexcept {
  // Acq_rel: as in add(), and acquire as in done().
  if (!is_done(word_.fetch_or(kHasHelper, std::memory_order_acq_rel))) return true;
  word_.fetch_and(~kHasHelper, std::memory_order_relaxed);
  return false;
}

void FutureState::completed(std::uint32_t before, bool was_cancelled) noexcept {
  if (before & kHasWaiters) futex_wake_all(word_);
  if (before & kHasHelper) wake_helper();
  if (before & kHasContinuations) run_continuations();
  if (before & kHasCallbacks) {
    if (sink_ != nullptr && !was_cancelled) {
      sink_->deliver(StateRef::share(this));
    } else {
      run_delivered_callbacks();
    }
  }
}

void FutureState::run_continuations() noexcept {
  CompletionList queue;
  {
    const Lock lock(stripe_of(this));
    queue = std::move(continuations_);
  }
  if (put_off_continuations != nullptr) {
    while (!queue.empty()) {
      std::unique_ptr<Completion> continuation = queue.pop();
      continuation->put_off_for_ = StateRef::share(this).release();
      put_off_continuations->push(std::move(continuation));
    }
    return;
  }
  put_off_continuations = &queue;
  while (!queue.empty()) {
    const std::unique_ptr<Completion> continuation = queue.pop();
    const StateRef other = StateRef::adopt(continuation->put_off_for_);
    continuation->run(other ? *other : *this);
  }
  put_off_continuations = nullptr;
}

void FutureState::run_delivered_callbacks() noexcept {
  if (!stack_runs_low()) return run_callbacks();
  if (put_off_callbacks != nullptr) return put_off_callbacks->push(StateRef::share(this));
  DeliveryQueue queue;
  put_off_callbacks = &queue;
  run_callbacks();
  while (!queue.empty()) queue.pop()->run_callbacks();
  put_off_callbacks = nullptr;
}

void FutureState::destroy() noexcept {
  if (stack_runs_low()) [[unlikely]]
    return destroy_on_little_stack();
  delete this;
}

void FutureState::destroy_on_little_stack() noexcept {
  if (put_off_destructions != nullptr) {
    next_delivered_ = std::exchange(*put_off_destructions, this);
    return;
  }
  FutureState* doomed = nullptr;
  put_off_destructions = &doomed;
  delete this;
  while (doomed != nullptr) delete std::exchange(doomed, doomed->next_delivered_);
  put_off_destructions = nullptr;
}

void FutureState::run_callbacks() noexcept {
  CompletionList queue;
  {
    const Lock lock(stripe_of(this));
    queue = std::move(callbacks_);
  }
  while (!queue.empty()) {
    queue.pop()->run(*this);
    end_if_forked();
  }
}

bool FutureState::add(CompletionList& queue, std::unique_ptr<Completion>& completion, std::uint32_t flag) noexcept {
  if (done()) return false;
  Completion* const raw = completion.get();
  const Lock lock(stripe_of(this));
  queue.push(std::move(completion));
  // Acq_rel: release hands the list to the completer, who acquires with its exchange; acquire as in done().
  const std::uint32_t before = word_.fetch_or(flag, std::memory_order_acq_rel);
  if (!is_done(before)) return true;
  // The state was done first: its completer saw no flag of ours. If it saw an older one, it may still be on its way to the
  // list, but it needs the lock that is held here; the entry is ours again.
  completion = queue.take(raw);
  word_.fetch_and(~flag, std::memory_order_relaxed);
  return false;
}

std::unique_ptr<Completion> FutureState::take_back_continuation(const Completion* completion) noexcept {
  const Lock lock(stripe_of(this));
  return continuations_.take(completion);
}

void FutureState::refuse_fork() {
  throw Error(
      "the future is not done, and its pool belongs to the process that this one was forked from: it will not be done here");
}

bool FutureState::wait(const Deadline& deadline) {
  if (done()) return true;
  require_completion_here();
  if (deadline) return sleep(deadline);
  if (this_runner == nullptr) {
    // What others wait for must not be put off to a frame of this thread that waits itself.
    const bool in_turn = put_off_continuations == nullptr && put_off_callbacks == nullptr && put_off_destructions == nullptr;
    if (in_turn && has_stack_to_spare(kStackToHelp)) help_to_complete();
    return sleep(deadline);
  }
  wait_on_runner(*this_runner, *this);
  return true;
}

bool FutureState::sleep(const Deadline& deadline) noexcept {
  std::uint32_t word = word_.load(std::memory_order_acquire);
  // Not with a deadline: how long a yield takes is up to others.
  for (Backoff backoff; !deadline && !is_done(word) && backoff.yield_once();) word = word_.load(std::memory_order_acquire);
  while (!is_done(word)) {
    // Invariant: no thread sleeps on a word without kHasWaiters; the completer's exchange takes the flag and wakes all.
    if (!(word & kHasWaiters)) {
      // Acquire on failure: the state may be done. (On success too, only because GCC 12 warns of a failure order that is
      // stronger than the success order.)
      if (!word_.compare_exchange_weak(word, word | kHasWaiters, std::memory_order_acquire)) {
        continue;
      }
      word |= kHasWaiters;
    }
    const bool in_time = futex_wait(word_, word, deadline);
    word = word_.load(std::memory_order_acquire);
    if (!in_time) return is_done(word);
  }
  return true;
}

}  // namespace pools::detail
