#pragma once

// What a thread inherits from the one that starts it: scheduling policy, niceness, CPUs, blocked signals. A thread of a pool's own that is
// started on a user's thread, which waits and leads meanwhile (process/leadership.h), takes that of the pool's instead.

#include <sched.h>

#include <csignal>

namespace pools::detail {

class ThreadContext {
 public:
  ThreadContext() = default;  // nothing: apply() does nothing
  static ThreadContext of_this_thread() noexcept;
  // To the calling thread, as far as the system lets it.
  void apply() const noexcept;
  // The calling thread has the same policy and is no nicer. It is asked for once in 10 ms, for each context.
  bool is_scheduled_alike() const noexcept;

 private:
  bool known_ = false;
  int policy_ = SCHED_OTHER;
  sched_param priority_{};
  int nice_ = 0;
  cpu_set_t cpus_{};  // of more than CPU_SETSIZE none, which stay as they are
  bool has_cpus_ = false;
  sigset_t signals_{};
};

}  // namespace pools::detail
