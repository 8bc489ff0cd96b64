#pragma once

// A task of a pool of other processes: the message that asks for it, and the state of its future, in one object.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "pools/detail/codec.h"
#include "pools/detail/forced_unwind.h"
#include "pools/detail/forks.h"
#include "pools/detail/in_place.h"
#include "pools/detail/message.h"
#include "pools/future.h"
#include "pools/options.h"

namespace pools::detail {

class ClaimBoard;
class TaskPool;
struct RemoteGroup;

class RemoteTask {
 public:
  RemoteTask(const RemoteTask&) = delete;
  RemoteTask& operator=(const RemoteTask&) = delete;

  Message& message() noexcept { return message_; }
  const Message& message() const noexcept { return message_; }

  virtual FutureState& state() noexcept = 0;
  // Stores what the worker answered, for state().finish(). Returns the error that there was, instead. REQUIRES: claimed.
  virtual std::exception_ptr take_answer(Reader answer) noexcept = 0;
  // take_answer() runs no code of the user's (in_place.h).
  bool decoded_in_place() const noexcept { return decoded_in_place_; }
  // What its function is called (death_cause.h); null: unknown.
  const char* described() const noexcept { return described_; }
  // Completes it with an error unless it is cancelled; then the canceller is done with the pool when this returns. REQUIRES: pending or
  // cancelled.
  bool fail_unstarted(const std::exception_ptr& error) noexcept {
    if (!state().claim()) {
      state().await_canceller();
      release_attachments();
      return false;
    }
    release_attachments();
    state().finish(error);
    return true;
  }
  // The memory that went along with its arguments; before its end is known, so that who has seen that may count on it. By whoever ends it.
  void release_attachments() noexcept { message_.payload().detach(); }
  std::unique_ptr<HeldAttachments> take_attachments() noexcept { return message_.payload().take_attachments(); }  // likewise

  // Beyond a plain task. Null for most; constant once submitted, but for the link.
  struct Extras {
    RemoteTaskOptions options;
    std::weak_ptr<TaskPool> pool;                          // for cancel_kills
    RemoteTask* child = nullptr;                           // the queue's, of a task with a priority
    std::chrono::steady_clock::time_point submitted_at{};  // with timing only
    std::chrono::steady_clock::time_point started_at{};    // likewise
    RemoteGroup* group = nullptr;                          // its concurrency group, or none
    bool has_permit = false;                               // of the group; guarded by the pool's mutex
  };
  Extras& extras() {
    if (!extras_) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  const Extras* has_extras() const noexcept { return extras_.get(); }
  Extras* has_extras() noexcept { return extras_.get(); }
  RemoteGroup* group() const noexcept { return extras_ ? extras_->group : nullptr; }
  int priority() const noexcept { return extras_ ? extras_->options.priority : 0; }

  // --- the queue's; guarded by the pool's mutex ---
  RemoteTask* next = nullptr;
  std::uint64_t number = 0;  // in the order of submission

  // --- the supervisor's; here and not among the extras, since there may be no memory when a worker dies ---
  // Of workers that had it first of what they had been given: those that said that they had begun it, or to which it was on its way
  // in pieces; and those that did not say so, which may have lied, but mostly died of something else.
  std::atomic<int> deaths{0};  // relaxed, a count for itself: an agent reads it of a cancelled one
  int unbegun_deaths = 0;
  int retried = 0;
  int refused_for = 0;                                // errno: why what goes along with it could not be sent
  std::chrono::steady_clock::time_point retry_due{};  // while it waits out its back-off

  static constexpr int kUnbegunPerDeath = 4;  // workers that are killed while they idle, one after the other, are no task's fault
  bool is_suspect() const noexcept { return deaths > 0 || unbegun_deaths > 0; }
  bool belongs_in_quarantine(int after) const noexcept { return deaths >= after || unbegun_deaths / kUnbegunPerDeath >= after; }

  // --- where it is, for a canceller ---
  // `waiting` from the push to the pop; whoever leaves that state, popper or canceller, does so by an exchange, so that exactly one of
  // them gives the place in a bounded queue back. Seq_cst is not needed: each transition is of this one word.
  enum class Place : std::uint8_t {
    unsubmitted,
    waiting,
    elsewhere,  // with a worker
    retrying,   // waits out the back-off of a retry
    cancelled,
  };
  std::atomic<Place> place{Place::unsubmitted};

  // --- the offer to a worker; written by the pool before state().offer() ---
  void offered_on(ClaimBoard& board, std::uint64_t sequence) noexcept {
    board_ = &board;
    sequence_ = sequence;
  }

 protected:
  RemoteTask(const FunctionKey& function, const char* described, bool decoded_in_place)
      : described_(described), decoded_in_place_(decoded_in_place), message_(MessageKind::task, function) {}
  ~RemoteTask() = default;
  // What FutureState asks of it.
  bool take_offer_back() noexcept;
  bool offer_was_begun() const noexcept;
  void help_pool_of(FutureState& state, const CallbackSink* pool) noexcept;
  static void wake_helper_of(const CallbackSink* pool) noexcept;
  void kill_worker() noexcept;  // of a task that was cancelled while it was running

 private:
  ClaimBoard* board_ = nullptr;
  std::uint64_t sequence_ = 0;
  const char* const described_;
  const bool decoded_in_place_;
  Message message_;
  std::unique_ptr<Extras> extras_;
};

// Owns one reference.
struct DropTask {
  void operator()(RemoteTask* task) const noexcept { task->state().drop_reference(); }
};
using TaskRef = std::unique_ptr<RemoteTask, DropTask>;

// Decode is V(Reader&), or void(Reader&) for V = void.
template <class V, auto Decode>
class DecodedTask final : public ValueState<V>, public RemoteTask {
 public:
  // `described` as function_name() has it; it lives for ever.
  explicit DecodedTask(const FunctionKey& function, const char* described = nullptr)
      : RemoteTask(function, described, DecodedInPlace<V>::value) {}

  FutureState& state() noexcept override { return *this; }
  std::exception_ptr take_answer(Reader answer) noexcept override {
    try {
      const EndsIfForked user;
      if constexpr (std::is_void_v<V>) {
        answer.expect_end();
        answer.expect_all_referred_to();
        this->emplace_value();
      } else {
        V value = Decode(answer);
        answer.expect_end();
        answer.expect_all_referred_to();
        this->emplace_value(std::move(value));
      }
      return nullptr;
    } catch (ForcedUnwind&) {
      refuse_to_unwind("the decoding of a result");
    } catch (...) {
      return std::current_exception();
    }
  }

 private:
  bool withdraw_offer() noexcept override { return take_offer_back(); }
  bool offer_begun() const noexcept override { return offer_was_begun(); }
  void cancelled_while_running() noexcept override { kill_worker(); }
  void help_to_complete() noexcept override { help_pool_of(*this, this->sink()); }
  void wake_helper() noexcept override { wake_helper_of(this->sink()); }
};

template <class V>
V decode_value(Reader& answer) {
  if constexpr (!std::is_void_v<V>) return decode<V>(answer);
}

}  // namespace pools::detail
