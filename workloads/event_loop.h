#pragma once

// What a work that waits asks of the event loop that it runs on: to be resumed at an instant, or when bytes have come. The loops
// themselves are other libraries' (harness/engine/backends); nothing here knows of them.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "workloads/clock.h"

namespace workloads {

// Told how an operation has ended.
struct Completion {
  void (*done)(Completion& self) = nullptr;  // called once, on a thread of the loop, at the end of the operation
  int error = 0;                             // an errno; 0: none
  std::size_t bytes = 0;                     // of what was read
};

// A connected or connecting TCP socket on a loop. One operation at a time; none may be under way when it is destroyed.
class LoopSocket {
 public:
  virtual ~LoopSocket() = default;

  // Each begins an operation, as those of EventLoop do.
  virtual bool connect(std::uint16_t port, Completion& completion) = 0;      // to 127.0.0.1
  virtual bool write(std::string_view bytes, Completion& completion) = 0;    // all of them; they outlive the operation
  virtual bool read_some(std::span<char> into, Completion& completion) = 0;  // at least one byte; no byte and no error: the end
};

// Thread safety: any thread.
class EventLoop {
 public:
  virtual ~EventLoop() = default;

  // Calls completion.done() on a thread of the loop, after all that is ready. From any thread.
  virtual void post(Completion& completion) = 0;

  // Each begins an operation. True: completion.done() is called when it has ended, maybe before this returns. False: it has ended, and
  // nothing will be called: on a loop whose tasks have stacks of their own, it was waited for right here. REQUIRES: called on a thread
  // of the loop; the completion outlives the operation.
  virtual bool wait_until(std::int64_t deadline_ns, Completion& completion) = 0;  // CLOCK_MONOTONIC
  virtual bool yield(Completion& completion) = 0;                                 // until all that is ready has had its turn

  // Takes over a TCP socket that is not connected yet. Throws std::exception when the loop cannot have it; the descriptor is closed then.
  virtual std::unique_ptr<LoopSocket> adopt(int socket) = 0;
};

// One execution of a work on a loop: what it awaits, and the CPU time of the threads it runs on in between. One thread at a time.
class OnLoop {
 public:
  explicit OnLoop(EventLoop& loop) noexcept : loop_(loop), since_ns_(thread_cpu_ns()) {}

  // What can be awaited: `begin(completion)` begins an operation, as above; co_await gives what `end(completion)` does.
  template <class Begin, class End>
  auto operation(Begin begin, End end) {
    return Operation<Begin, End>(*this, std::move(begin), std::move(end));
  }
  auto sleep_until(std::int64_t deadline_ns) {
    return operation([this, deadline_ns](Completion& completion) { return loop_.wait_until(deadline_ns, completion); },
                     [](const Completion&) {});
  }
  auto yield() {
    return operation([this](Completion& completion) { return loop_.yield(completion); }, [](const Completion&) {});
  }

  EventLoop& loop() const noexcept { return loop_; }

  // So far, of what runs on this thread now.
  std::int64_t cpu_ns() const { return cpu_ns_ + thread_cpu_ns() - since_ns_; }

 private:
  template <class Begin, class End>
  class Operation : private Completion {
   public:
    Operation(OnLoop& on, Begin begin, End end) : on_(on), begin_(std::move(begin)), end_(std::move(end)) {}

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiting) {
      waiting_ = waiting;
      done = [](Completion& self) { static_cast<Operation&>(self).waiting_.resume(); };
      on_.cpu_ns_ += thread_cpu_ns() - on_.since_ns_;
      return begin_(static_cast<Completion&>(*this));  // once it has begun, another thread may be past all of this
    }
    auto await_resume() {
      on_.since_ns_ = thread_cpu_ns();
      return end_(static_cast<const Completion&>(*this));
    }

   private:
    OnLoop& on_;
    Begin begin_;
    End end_;
    std::coroutine_handle<> waiting_;
  };

  EventLoop& loop_;
  std::int64_t cpu_ns_ = 0;    // before the last wait
  std::int64_t since_ns_ = 0;  // the thread's CPU time when it ended
};

}  // namespace workloads
