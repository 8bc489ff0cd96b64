#pragma once

// Ctrl-C, SIGTERM and SIGHUP end a sweep in good order: the running repetition is killed through CellRunner::interrupt,
// and the sweep sees the flag between two repetitions.

#include <csignal>

namespace harness {

class CellRunner;

// While one lives, the three signals set the flag and interrupt `runner` instead of ending the process; the previous
// dispositions come back afterwards. At most one at a time; made and destroyed on the main thread.
class InterruptScope {
 public:
  explicit InterruptScope(CellRunner& runner) : InterruptScope(&runner) {}
  // Of a computation without a runner, which looks at the flag. The second signal ends the process: nothing is at stake.
  InterruptScope() : InterruptScope(nullptr) {}
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

 private:
  explicit InterruptScope(CellRunner* runner);

  struct sigaction previous_[3];
};

// Whether one of the signals has arrived within the current or the last scope. Async-signal-safe, any thread.
bool interrupt_requested() noexcept;

}  // namespace harness
