#include "harness/sweep/interrupt.h"

#include <atomic>
#include <cerrno>
#include <iterator>

#include "harness/engine/runner.h"

namespace harness {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// Lock-free, so that the handler may touch them. Sequentially consistent: the handler runs a handful of times, and no
// weaker order would be noticed.
std::atomic<bool> requested{false};
std::atomic<CellRunner*> runner_in_scope{nullptr};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<CellRunner*>::is_always_lock_free);

void on_signal(int signal) {
  const int saved = errno;
  const bool again = requested.exchange(true);
  if (CellRunner* const runner = runner_in_scope.load()) {
    runner->interrupt();
  } else if (again) {
    ::signal(signal, SIG_DFL);
    ::raise(signal);  // blocked now; it ends the process when this handler returns
  }
  errno = saved;
}

}  // namespace

InterruptScope::InterruptScope(CellRunner* runner) {
  requested.store(false);
  runner_in_scope.store(runner);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &previous_[i]);
    // A program started with nohup, or in the background of a script, keeps ignoring what it was told to ignore.
    if (previous_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

InterruptScope::~InterruptScope() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &previous_[i], nullptr);
  runner_in_scope.store(nullptr);
}

bool interrupt_requested() noexcept { return requested.load(); }

}  // namespace harness
