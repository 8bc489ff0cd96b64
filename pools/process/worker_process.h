#pragma once

// A worker as the pool sees it: the process, the channel to it, the tasks that it has been sent.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "pools/process/channel.h"
#include "pools/process/descendants.h"
#include "pools/process/output_relay.h"
#include "pools/process/process_options.h"
#include "pools/process/remote_task.h"
#include "pools/process/spawn.h"
#include "pools/process/wire.h"
#include "pools/remote_function.h"

namespace pools::detail {

class WorkerProcess {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Phase {
    starting,   // has been sent `prepare`, has not answered
    ready,      // takes tasks
    stopping,   // has been sent `stop`
  };
  // What the pool killed it for. What it died of otherwise is its own affair.
  enum class Sentence { none, violation, deadline, cancelled };

  // Starts one and sends it its first messages. `name` is shown by ps and top (15 characters). Throws SpawnError, and
  // std::system_error when there is no memory or descriptor left for its channel.
  // It and its descendants bear `mark`. `relay` (null unless the output is tagged) outlives it.
  WorkerProcess(int number, const ProcessPoolOptions& options, DescendantMark mark, OutputRelay* relay);
  ~WorkerProcess();

  pid_t pid() const noexcept { return child_.pid(); }
  int number() const noexcept { return number_; }
  ParentChannel& channel() noexcept { return channel_; }
  Child& child() noexcept { return child_; }
  DescendantMark mark() const noexcept { return mark_; }
  // Once it is dead: passes its last words on, and returns the end of its standard error.
  std::string finish_output();

  // --- guarded by the pool's mutex ---
  Phase phase = Phase::starting;
  bool idle = false;                 // in the pool's list of idle workers
  int tasks_given = 0;               // since its start, but for those taken back
  Sentence sentence = Sentence::none;
  Clock::time_point progress{};           // when it last answered, or was given work while it had none
  std::optional<Clock::time_point> due;   // when its task is beyond its deadline, or its SIGTERM without effect
  // Kills it for what it did; nothing of it is read any more.
  void condemn(const std::string& violation) noexcept;
  const std::string& violation() const noexcept { return violation_; }   // empty: none

  // --- what it has been given and has not answered, oldest first; guarded by the pool's mutex ---
  // The worker runs them in this order, answers each, and begins none that it has not claimed on the board. A task that was taken back
  // leaves its entry until the worker has skipped it. Only the newest may not be sent yet.
  struct Given {
    TaskRef task;   // null: taken back
    std::uint64_t sequence = 0;
  };
  static constexpr std::size_t kMostGiven = ClaimBoard::kCells / 2;
  std::size_t given() const noexcept { return count_; }
  std::size_t tasks() const noexcept;   // of those, not taken back
  Given& at(std::size_t index) noexcept { return given_[(first_ + index) % kMostGiven]; }   // 0: the oldest
  Given take_oldest() noexcept {
    Given taken = std::move(at(0));
    first_ = (first_ + 1) % kMostGiven;
    --count_;
    return taken;
  }
  // Offers the task; send_some() follows. False: it was cancelled, and is the caller's still. REQUIRES: given() < kMostGiven, !unsent().
  bool give(TaskRef& task) noexcept;
  // Takes everything back that it has not begun, newest first, but for what is on its way in pieces. Each is pending again.
  template <class Use>
  void take_back(Use&& use) {
    for (std::size_t index = count_; index-- > 0;) {
      Given& entry = at(index);
      if (!entry.task || (index + 1 == count_ && unsent()) || !channel_.board().take_back(entry.sequence)) continue;
      entry.task->state().recall();
      --tasks_given;
      use(std::move(entry.task));
    }
  }

  // --- sending; one thread at a time: whoever gave the task, from hand_over() on the supervisor ---
  // Makes `message` the next to be sent: prepare, stop. REQUIRES: nothing is given, !unsent().
  void load(Message message) noexcept;
  std::uint64_t loaded_sequence() const noexcept { return control_sequence_; }
  // Sends what fits now. True if that was something: ring() then; unsent() says whether there is a rest. Throws WireError.
  bool send_some();
  // Leaves the sending to the supervisor.
  void hand_over() noexcept { unsent_.store(true, std::memory_order_release); }   // Release: pairs with unsent()
  // There is a rest for the supervisor to send. Acquire: what was given before hand_over() is visible.
  bool unsent() const noexcept { return unsent_.load(std::memory_order_acquire); }
  std::size_t unsent_bytes() noexcept { return sending_.size(); }

  // --- the supervisor's ---
  std::optional<MessageHeader> receive() { return reader_.poll(channel_); }   // Throws WireError
  std::span<const std::byte> payload() const noexcept { return reader_.payload(); }
  // There is something to receive or room to send into. Throws WireError.
  bool actionable();
  bool condemned() const noexcept { return condemned_.load(std::memory_order_relaxed); }   // Relaxed: guards nothing
  std::size_t depth = 1;                  // how many tasks it is given at a time, at most
  bool has_several = false;               // may have been given more than one task that it has not answered
  bool answers_soon = true;    // the supervisor's: its last task took no longer than waiting for it is worth
  bool terminated = false;                // has been sent SIGTERM
  bool descendants_terminated = false;    // likewise those outside of its group
  int tasks_answered = 0;

 private:
  const int number_;
  const DescendantMark mark_;
  OutputRelay* const relay_;
  std::shared_ptr<OutputRelay::Source> output_;
  ParentChannel channel_;
  FileDescriptor lifeline_;   // the worker is killed by the kernel when this is closed, should the signal on death be switched off
  Child child_;

  std::array<Given, kMostGiven> given_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::span<const std::byte> sending_;   // what is left of the message being sent
  bool has_offered_ = false;

  Message control_{MessageKind::stop};   // prepare, stop
  std::uint64_t control_sequence_ = 0;
  std::uint64_t sequence_ = 0;

  std::atomic<bool> unsent_{false};
  std::string violation_;             // guarded by the pool's mutex
  std::atomic<bool> condemned_{false};
  MessageReader<ParentChannel> reader_;
};

}  // namespace pools::detail
