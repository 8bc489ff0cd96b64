#pragma once

// A worker as the pool sees it: the process, the channel to it, what it is doing.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "pools/process/channel.h"
#include "pools/process/remote_task.h"
#include "pools/process/spawn.h"
#include "pools/process/wire.h"
#include "pools/remote_function.h"

namespace pools::detail {

class WorkerProcess {
 public:
  enum class Phase {
    starting,   // has been sent `prepare`, has not answered
    idle,       // in the pool's list of idle workers
    busy,       // has been sent `task`, has not answered
    stopping,   // has been sent `stop`
  };

  // Starts one and sends it its first messages. `name` is shown by ps and top (15 characters). Throws SpawnError, and
  // std::system_error when there is no memory or descriptor left for its channel.
  WorkerProcess(int number, const std::string& name, const RemoteCall& initializer);

  pid_t pid() const noexcept { return child_.pid(); }
  int number() const noexcept { return number_; }
  ParentChannel& channel() noexcept { return channel_; }
  Child& child() noexcept { return child_; }

  // --- guarded by the pool's mutex ---
  Phase phase = Phase::starting;
  TaskRef task;                // of a busy worker
  // Kills it for what it did; nothing of it is read any more.
  void condemn(const std::string& violation) noexcept;
  const std::string& violation() const noexcept { return violation_; }   // empty: none
  // Takes the task back if the worker, which is dead, had not begun to read it.
  TaskRef take_back_unread_task() noexcept;

  // --- sending; one thread at a time: whoever made the worker busy, from hand_over() on the supervisor ---
  // Makes `message` the one to be sent; the answer to it carries sequence(). REQUIRES: the one before is sent. Guarded by the
  // pool's mutex, too.
  void load(Message message) noexcept;
  // The message that was answered, for its memory to be freed without the mutex. Guarded by the pool's mutex, too.
  Message take_sent() noexcept { return std::move(outgoing_); }
  std::size_t unsent_bytes() const noexcept { return outgoing_.view().size() - sent_; }
  // Sends what fits now. True if that was something: ring() then; unsent() says whether there is a rest. Throws WireError.
  bool send_some();
  // Leaves the sending to the supervisor.
  void hand_over() noexcept { unsent_.store(true, std::memory_order_release); }   // Release: pairs with unsent()
  // There is a rest for the supervisor to send. Acquire: what was loaded before hand_over() is visible.
  bool unsent() const noexcept { return unsent_.load(std::memory_order_acquire); }

  // --- the supervisor's ---
  std::uint64_t sequence() const noexcept { return sequence_; }
  std::optional<MessageHeader> receive() { return reader_.poll(channel_); }   // Throws WireError
  std::span<const std::byte> payload() const noexcept { return reader_.payload(); }
  // There is something to receive or room to send into. Throws WireError.
  bool actionable() const;
  bool condemned() const noexcept { return condemned_.load(std::memory_order_relaxed); }   // Relaxed: guards nothing

 private:
  const int number_;
  ParentChannel channel_;
  FileDescriptor lifeline_;   // the worker is killed by the kernel when this is closed, should the signal on death be switched off
  Child child_;
  Message outgoing_{MessageKind::stop};   // kept until it is answered: a worker that dies may not have read it
  std::size_t sent_ = 0;              // bytes of outgoing_
  std::uint64_t sequence_ = 0;        // of outgoing_; guarded by the pool's mutex
  std::atomic<bool> unsent_{false};
  std::string violation_;             // guarded by the pool's mutex
  std::atomic<bool> condemned_{false};
  MessageReader<ParentChannel> reader_;
};

}  // namespace pools::detail
