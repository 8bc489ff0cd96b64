#pragma once

// The shared state behind a Future, and its producer side. Reference-counted; a task derives from it, so that task, result
// and future are one allocation.
//
// Life: pending -> running -> finished, or pending -> cancelled; where that has been allowed, running -> cancelled, too. The
// last step happens exactly once (finish() or cancel()), by whoever takes it, and then, in this order: waiters wake, continuations
// run, callbacks run.

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "pools/detail/block_cache.h"
#include "pools/detail/forks.h"
#include "pools/detail/futex.h"
#include "pools/errors.h"

namespace pools::detail {

class FutureState;

// Something to do when a future is done. Owned by the state it is registered with until it has run or was taken back.
class Completion : public InBlocks {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  virtual ~Completion() = default;
  virtual void run(FutureState& state) noexcept = 0;

 private:
  friend class FutureState;
  friend class CompletionList;
  std::unique_ptr<Completion> next_;
  FutureState* put_off_for_ = nullptr;  // with a reference, while it waits for its turn (FutureState::run_continuations)
};

// FIFO of owned completions. Not thread-safe.
class CompletionList {
 public:
  CompletionList() = default;
  CompletionList(CompletionList&& other) noexcept { *this = std::move(other); }
  CompletionList& operator=(CompletionList&& other) noexcept {
    clear();
    first_ = std::move(other.first_);
    last_ = std::exchange(other.last_, nullptr);
    return *this;
  }
  ~CompletionList() { clear(); }

  bool empty() const { return first_ == nullptr; }
  void push(std::unique_ptr<Completion> completion) {
    Completion* const raw = completion.get();
    (last_ == nullptr ? first_ : last_->next_) = std::move(completion);
    last_ = raw;
  }
  std::unique_ptr<Completion> pop() {
    std::unique_ptr<Completion> front = std::move(first_);
    first_ = std::move(front->next_);
    if (first_ == nullptr) last_ = nullptr;
    return front;
  }
  std::unique_ptr<Completion> take(const Completion* wanted);  // null if it is not in here
  void clear() {
    while (!empty()) pop();  // one by one: a long list must not recurse through unique_ptr
  }

 private:
  std::unique_ptr<Completion> first_;
  Completion* last_ = nullptr;
};

// The pool behind a state, as far as the state has to do with it.
class CallbackSink {
 public:
  // Called by the thread that finished the state: sees to it that state->run_delivered_callbacks() is called, once.
  virtual void deliver(class StateRef state) noexcept = 0;
  // The state was cancelled, pending or running. Called under a lock: count, and no more. A pool that finds a state cancelled
  // (try_start() is false) calls await_canceller() before it lets go of it, so that it is alive here.
  virtual void note_cancelled([[maybe_unused]] FutureState& state) noexcept {}

 protected:
  ~CallbackSink() = default;
};

// Of pools a state knows what its one word has to say, and what those ask who hold nothing but the state:
//   - A wait on a thread pool's worker asks what the state's task is pending in, and helps (help()): found by a cast across to the task, that
//     would cost each nested wait more.
//   - Who cancels excludes who begins. On threads the beginning is a step of the word (try_start()); in a worker process it is one of the
//     claim board, which the canceller asks through withdraw_offer() between its look at the word and its exchange of it, under the lock that
//     recall() takes. So the flag of an offer is in the word, and whether what runs may be cancelled is, too (kCancelEndsRunning).
class FutureState : public InBlocks {
 public:
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  // --- consumer side; any thread ---
  // Acquire in all of them: who sees the state done sees the result.
  bool done() const noexcept { return is_done(word_.load(std::memory_order_acquire)); }
  bool cancelled() const noexcept { return (word_.load(std::memory_order_acquire) & kStatus) == kCancelled; }
  bool running() const noexcept {
    const std::uint32_t word = word_.load(std::memory_order_acquire);
    return (word & kStatus) == kRunning || ((word & (kStatus | kOffered)) == kOffered && begun_elsewhere());
  }

  // Throws Error if this is a fork of the process whose pool is to complete the state, and it is not done: it never will be. What may
  // block or register something comes after this.
  void require_completion_here() const {
    if (!may_be_completed_here()) [[unlikely]]
      refuse_fork();
  }

  // Pending or cancelled already: true, and done() from now on. Callbacks run in the calling thread, with no lock held. True for
  // a running one, too, after allow_cancel_while_running(), unless its producer has claimed the completion. In a fork false, unless
  // cancelled already.
  bool cancel() noexcept { return cancel(kCancelEndsRunning); }
  // The same, but what has begun goes on, also where cancel() would end it.
  bool cancel_unless_begun() noexcept { return cancel(0); }
  // Returns when done; false when the deadline came first. On a thread that runs a thread pool's jobs it helps (runner.h) if there is no
  // deadline. Throws as require_completion_here() does, and what wait_on_runner() throws.
  bool wait(const Deadline& deadline = {});
  // What the worker of a thread that waits can do about this state. helped: it is done now. paused: nobody may start it. full: its
  // concurrency group has no permit. none: somebody else has started it. REQUIRES: it was pending_in() the worker's pool.
  enum class Help { none, helped, paused, full };
  virtual Help help([[maybe_unused]] class WaitRecord& wait) { return Help::none; }
  // The same for a thread that runs no jobs, about a state that another process completes. May return before the state is done.
  virtual void help_to_complete() noexcept {}
  // By that thread, before it sleeps otherwise than on the state: whoever completes it calls wake_helper(). False: it is done.
  bool expect_helper() noexcept;
  // Null, or the sink of the pool that has not started the task yet. Relaxed: what comes of it decides nothing, help() does.
  const CallbackSink* pending_in() const noexcept {
    return (word_.load(std::memory_order_relaxed) & kStatus) == kPending ? sink_ : nullptr;
  }
  // The error of a state that is done, or null. REQUIRES: done().
  const std::exception_ptr& error() const noexcept { return error_; }

  // Runs `completion` once when the state is done. False if it is done already: nothing was registered.
  bool try_add_continuation(std::unique_ptr<Completion>& completion) noexcept {
    return add(continuations_, completion, kHasContinuations);
  }
  bool try_add_callback(std::unique_ptr<Completion>& completion) noexcept { return add(callbacks_, completion, kHasCallbacks); }
  // Takes a continuation back; null if it has run or is about to. Then it may still be running in another thread.
  std::unique_ptr<Completion> take_back_continuation(const Completion* completion) noexcept;

  // --- producer side ---
  // Before anybody else knows the state.
  void set_sink(CallbackSink* sink) noexcept {
    sink_ = sink;
    word_.store(this_process() << kProcessShift, std::memory_order_relaxed);
  }
  void attach_before_sharing(std::unique_ptr<Completion> callback) noexcept {
    callbacks_.push(std::move(callback));
    word_.store(word_.load(std::memory_order_relaxed) | kHasCallbacks, std::memory_order_relaxed);  // nobody else has the pointer
  }
  // Before anybody else knows the state. The producer completes it by claim() and then finish().
  void allow_cancel_while_running() noexcept { word_.fetch_or(kCancelEndsRunning, std::memory_order_relaxed); }
  // A pending state whose task lies ready for somebody else to begin: from now on cancel() asks withdraw_offer() first, and running()
  // offer_begun(). False: it was cancelled. It ends with claim() and finish(), or with recall().
  bool offer() noexcept;
  void recall() noexcept;  // the offer has been taken back: merely pending again
  // Returns when no thread is within withdraw_offer() or offer_begun() any more, of whatever state: what those look at may go.
  static void await_all_cancellers() noexcept;
  // pending -> running. False: it was cancelled, leave it alone.
  bool try_start() noexcept;
  // -> finished, with the error or, where that is null, with the value stored before. Throws InvalidStateError when done.
  void finish(std::exception_ptr error);
  // Where several producers may race for the completion: true for the first of them, who must then finish() or unclaim().
  // False also when it was cancelled.
  bool claim() noexcept;
  void unclaim() noexcept;

  // Returns when a cancel() that has been seen has told the sink.
  void await_canceller() noexcept;

  // Runs the callbacks that finish() left for the sink. REQUIRES: called by the sink, once.
  void run_delivered_callbacks() noexcept;

  // A second owner, before anybody else knows the state.
  void add_reference_before_sharing() noexcept { references_.store(2, std::memory_order_relaxed); }
  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // Relaxed: the caller has one.
  void drop_reference() noexcept {
    // Release: what this owner did happens before the destruction; acquire: by whoever performs it.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  bool sole_owner() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

 protected:
  FutureState() = default;
  virtual ~FutureState();
  // Of an offered state; called under a lock. True: it has been taken back, and nobody will begin it.
  virtual bool withdraw_offer() noexcept { return true; }
  virtual bool offer_begun() const noexcept { return false; }
  // It is done, and a helper may sleep: called by whoever completed it, before continuations and callbacks run.
  virtual void wake_helper() noexcept {}
  // It was running and has been cancelled: called by the canceller, once, with no lock held.
  virtual void cancelled_while_running() noexcept {}
  CallbackSink* sink() const noexcept { return sink_; }

 private:
  friend class DeliveryQueue;

  static constexpr std::uint32_t kPending = 0, kRunning = 1, kCancelled = 2, kFinished = 3, kStatus = 3;
  static constexpr std::uint32_t kHasWaiters = 4;          // somebody may sleep on word_
  static constexpr std::uint32_t kHasContinuations = 8;    // the list is not empty
  static constexpr std::uint32_t kHasCallbacks = 16;       // likewise
  static constexpr std::uint32_t kClaimed = 32;            // one of several producers has won
  static constexpr std::uint32_t kCancelEndsRunning = 64;  // constant once shared
  static constexpr std::uint32_t kOffered = 128;           // lies ready for somebody else to begin
  static constexpr std::uint32_t kHasHelper = 256;         // a thread in help_to_complete() is to be told when it is done
  // Above: the process of the pool that is to complete it, its number's lower bits. 0 without a pool, and when done.
  static constexpr std::uint32_t kProcessShift = 9;
  static constexpr bool is_done(std::uint32_t word) noexcept { return (word & kStatus) >= kCancelled; }

  bool may_be_completed_here() const noexcept {
    const std::uint32_t word = word_.load(std::memory_order_acquire);  // Acquire: as in done()
    return word >> kProcessShift == 0 || is_done(word) ||
           word >> kProcessShift == this_process() << kProcessShift >> kProcessShift;
  }
  [[noreturn]] static void refuse_fork();
  bool cancel(std::uint32_t ends_running) noexcept;  // the flag that says that a running one can be cancelled, or 0
  bool sleep(const Deadline& deadline) noexcept;
  bool begun_elsewhere() const noexcept;
  bool add(CompletionList& queue, std::unique_ptr<Completion>& completion, std::uint32_t flag) noexcept;
  void completed(std::uint32_t before, bool was_cancelled) noexcept;
  void run_continuations() noexcept;
  void run_callbacks() noexcept;
  void destroy() noexcept;
  [[gnu::cold]] void destroy_on_little_stack() noexcept;

  std::atomic<std::uint32_t> references_{1};
  // Status and flags. Invariant: flags are only ever added before the state is done, by read-modify-writes, and the
  // step to done reads all of them with an exchange: so each flag is either seen by the completer, who then serves it, or its
  // setter sees that the state is done already.
  std::atomic<std::uint32_t> word_{kPending};
  CallbackSink* sink_ = nullptr;           // constant once shared
  FutureState* next_delivered_ = nullptr;  // the sink's; then that of the thread that puts its callbacks or its destruction off
  std::exception_ptr error_;               // written before the step to finished, constant after it
  CompletionList continuations_;           // guarded by the stripe's mutex (future_state.cpp) until done, then the completer's
  CompletionList callbacks_;               // likewise
};

// Owns one reference.
class StateRef {
 public:
  StateRef() = default;
  static StateRef adopt(FutureState* state) noexcept { return StateRef(state); }
  static StateRef share(FutureState* state) noexcept {
    if (state != nullptr) state->add_reference();
    return StateRef(state);
  }
  StateRef(const StateRef& other) noexcept : StateRef(share(other.state_)) {}
  StateRef(StateRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StateRef& operator=(StateRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StateRef() {
    if (state_ != nullptr) state_->drop_reference();
  }
  FutureState* get() const noexcept { return state_; }
  FutureState* operator->() const noexcept { return state_; }
  FutureState& operator*() const noexcept { return *state_; }
  explicit operator bool() const noexcept { return state_ != nullptr; }
  FutureState* release() noexcept { return std::exchange(state_, nullptr); }

 private:
  explicit StateRef(FutureState* state) noexcept : state_(state) {}
  FutureState* state_ = nullptr;
};

}  // namespace pools::detail
