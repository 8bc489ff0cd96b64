#pragma once

// A worker as the pool sees it: the process, the channel to it, the tasks that it has been sent.
//
// Much of it is guarded by the mutex of its pool, which no expression in here names: whoever has it from the Fleet, which that mutex guards,
// holds the mutex.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "pools/detail/remote_task.h"
#include "pools/options.h"
#include "pools/remote.h"
#include "pools/src/process/ipc/answer_rules.h"
#include "pools/src/process/ipc/channel.h"
#include "pools/src/process/ipc/passage.h"
#include "pools/src/process/ipc/wire.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/oom_kills.h"
#include "pools/src/process/os/output_relay.h"
#include "pools/src/process/os/spawn.h"

namespace pools::detail {

class WorkerProcess {
 public:
  using Clock = std::chrono::steady_clock;

  using Phase = WorkerPhase;
  // What the pool killed it for. What it died of otherwise is its own affair.
  enum class KillReason { none, violation, time_limit, cancelled, silence };

  // Starts one and sends it its first messages. `name` is shown by ps and top (15 characters). Throws SpawnError, and
  // std::system_error when there is no memory or descriptor left for its channel.
  // It and its descendants bear `mark`. `relay` (null unless the output is tagged) outlives it. `workers`: among which the cores are shared.
  WorkerProcess(int number, int workers, const ProcessPoolOptions& options, DescendantMark mark, OutputRelay* relay);
  ~WorkerProcess();

  pid_t pid() const noexcept { return child_.pid(); }
  int number() const noexcept { return number_; }
  ParentChannel& channel() noexcept { return channel_; }
  Child& child() noexcept { return child_; }
  DescendantMark mark() const noexcept { return mark_; }
  const OomKills& oom_kills() const noexcept { return oom_kills_; }  // in its control group, since its start
  // Whether so many bytes are more than what it was started with as its peak, which was this process's (ResourceUse).
  bool is_own_peak(std::uint64_t bytes) const noexcept { return bytes > peak_at_first_; }
  // Once it is dead: passes its last words on, and returns the end of its standard error.
  std::string finish_output() noexcept;

  // --- guarded by the pool's mutex ---
  Phase phase = Phase::starting;  // changed by the supervisor only, which may read it without the mutex
  bool idle = false;              // in the pool's list of idle workers
  bool up = false;                // is or was ready. Like `phase`
  int tasks_given = 0;            // since its start, but for those taken back
  KillReason kill_reason = KillReason::none;
  // When it last answered, read some of what does not fit its ring, or was given work while it had none.
  Clock::time_point progress{};
  // When its task is beyond its time limit, its grace since `stop` is over, or its SIGTERM was without effect.
  std::optional<Clock::time_point> due;
  // Who has several tasks and does not answer for so long is stuck: it is given one at a time, and what it has not begun is taken back.
  static constexpr std::chrono::microseconds kStuck{60};
  // How long it may leave its only task unbegun before that is taken back. Doubles each time, so that a machine that is merely slow does not pass a
  // task on for ever.
  static constexpr std::chrono::milliseconds kFirstPatience{200};
  Clock::duration patience = kFirstPatience;
  bool unheard = false;  // what it had not begun has been taken back, and it has not answered since
  // Kills it for what it did; nothing of it is read any more.
  void condemn(const char* violation) noexcept;
  const std::string& violation() const noexcept { return violation_; }  // empty: none, or no memory to say

  // --- what it has been given and has not answered, oldest first; guarded by the pool's mutex ---
  // The worker runs them in this order, answers each, and begins none that it has not claimed on the board. A task that was taken back
  // leaves its entry until the worker has skipped it. Only the newest may not be sent yet.
  struct Given {
    TaskRef task;  // null: taken back
    std::uint64_t sequence = 0;
    TaskRef taken_back;  // it, shared with whoever has it now
  };
  static constexpr std::size_t kMostGiven = ClaimBoard::kCells / 2;
  std::size_t given() const noexcept { return count_; }
  std::size_t tasks() const noexcept;  // of those, not taken back
  // It has been given something and has not begun the oldest, as far as one can tell of a worker that may lie.
  bool keeps_waiting() noexcept { return count_ > 0 && (!at(0).task || !channel_.board().begun(at(0).sequence)); }
  Given& at(std::size_t index) noexcept { return given_[(first_ + index) % kMostGiven]; }  // 0: the oldest
  Given take_oldest() noexcept {
    Given taken = std::move(at(0));
    first_ = (first_ + 1) % kMostGiven;
    --count_;
    return taken;
  }
  // The index of the oldest that was not taken back; given() if there is none. Of these only that one can have begun.
  std::size_t first() noexcept;
  // Offers the task and sends what goes along with it; send_some() follows. Otherwise it is the caller's still: it was cancelled, or what goes along
  // could not be sent, for a reason that is `refusal()`, an errno. REQUIRES: given() < kMostGiven, !unsent().
  enum class Giving { given, cancelled, refused };
  Giving give(TaskRef& task) noexcept;
  int refusal() const noexcept { return refusal_; }
  // Memory goes along with it: it is given to one that has nothing else, so that no more is on its way to a worker than one task's.
  static bool has_attachments(const RemoteTask& task) noexcept { return !task.message().attachments().empty(); }
  // Takes everything back that it has not begun, newest first, but for what is on its way in pieces. Each is pending again, or cancelled.
  template <class Use>
  void take_back(Use&& use) {
    for (std::size_t index = count_; index-- > 0;) {
      Given& entry = at(index);
      if (!entry.task || (index + 1 == count_ && unsent()) || !take_back(entry)) continue;
      --tasks_given;
      if (!terminated) due.reset();  // its time limit's; a worker that has one is given nothing else
      use(std::move(entry.task));
    }
  }

  // --- sending; one thread at a time: whoever gave the task, from hand_over() on the supervisor ---
  static constexpr std::uint64_t kPrepareSequence = 1;
  // Makes `prepare`, the first of all, or `stop`, the last, the next to be sent. REQUIRES: nothing is given, !unsent().
  void load(Message prepare) noexcept;
  void load_stop() noexcept;
  // Sends what fits now. True if that was something: ring() then; unsent() says whether there is a rest. Throws WireError.
  bool send_some();
  // Leaves the sending to the supervisor.
  void hand_over() noexcept { unsent_.store(true, std::memory_order_release); }  // Release: pairs with unsent()
  // There is a rest for the supervisor to send. Acquire: what was given before hand_over() is visible.
  bool unsent() const noexcept { return unsent_.load(std::memory_order_acquire); }
  std::size_t unsent_bytes() noexcept { return sending_.size(); }

  // --- the supervisor's ---
  std::optional<MessageHeader> receive();  // Throws WireError
  Reader payload() const noexcept { return Reader(reader_.payload(), received_.attachments); }
  Bytes take_payload() { return reader_.take_payload(); }  // Throws std::bad_alloc
  // Of the last message: what came along, to look at and to take; why it could not be taken in, or null.
  std::span<const Attachment> attachments() const noexcept { return received_.attachments; }
  Attachments take_attachments() noexcept { return std::exchange(received_.attachments, {}); }
  const std::exception_ptr& problem() const noexcept { return received_.problem; }
  // There is something to receive or room to send into. Throws WireError.
  bool actionable();
  bool condemned() const noexcept { return condemned_.load(std::memory_order_relaxed); }  // Relaxed: guards nothing
  std::size_t depth = 1;                // how many tasks it is given at a time, at most
  bool has_several = false;             // may have been given more than one task that it has not answered
  bool answers_soon = true;             // the supervisor's: its last task took no longer than waiting for it is worth
  bool terminated = false;              // has been sent SIGTERM
  bool descendants_terminated = false;  // likewise those outside of its group
  int tasks_answered = 0;

 private:
  bool take_back(Given& entry) noexcept;                                           // false: it has begun, or says so by a lie
  bool send_attachments(const Message& message, std::uint64_t sequence) noexcept;  // false: refused

  const int number_;
  const AnswerRules rules_;
  const DescendantMark mark_;
  OutputRelay* const relay_;
  std::shared_ptr<OutputRelay::Source> output_;
  ParentChannel channel_;
  Passage passage_;
  FileDescriptor lifeline_;  // the worker is killed by the kernel when this is closed, should the signal on death be switched off
  Child child_;
  OomKills oom_kills_;
  std::uint64_t peak_at_first_ = 0;  // bytes; what this process's was, and a little that the kernel may count later

  std::array<Given, kMostGiven> given_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::span<const std::byte> sending_;  // what is left of the message being sent
  bool begun_ = false;                  // some of it has been
  bool has_offered_ = false;
  int refusal_ = 0;

  Message control_{MessageKind::prepare};  // prepare, stop
  std::uint64_t sequence_ = 0;

  std::atomic<bool> unsent_{false};
  std::string violation_;  // guarded by the pool's mutex
  std::atomic<bool> condemned_{false};
  MessageReader<ParentChannel> reader_;
  Passage::Received received_;  // with its message
};

}  // namespace pools::detail
