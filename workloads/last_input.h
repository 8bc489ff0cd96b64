#pragma once

// On which input a user's function was working when it ended its process: said on standard error, since there is nobody left to
// throw to.
//
// Thread safety: any thread; each has its own input.

namespace workloads {

// While one lives, a fatal signal (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS) on this thread and a call of exit() say which
// input it was before they end the process as they would have. Costs a store; the first on a thread, an alternate signal stack,
// for a function may have used up its own. At most one at a time per thread. REQUIRES: `input` outlives it.
class LastInput {
 public:
  explicit LastInput(const char* input) noexcept;
  ~LastInput();
  LastInput(const LastInput&) = delete;
  LastInput& operator=(const LastInput&) = delete;
};

}  // namespace workloads
