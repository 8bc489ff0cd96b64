#include "pools/runner.h"

#include "pools/dispatch.h"
#include "pools/forks.h"
#include "pools/patience.h"
#include "pools/rendezvous.h"
#include "pools/waits_for.h"

namespace pools::detail {

constinit thread_local Runner* this_runner = nullptr;

namespace {

// The runner's pool has no threads in a fork, this one included: what a task does in a fork that it has made, it does as anybody.
const AtFork forget_runner([] { this_runner = nullptr; });

bool may_help(const Worker* worker, const FutureState& state) noexcept {
  return worker != nullptr && state.pending_in() == worker->pool();
}

FutureState::Help help(WaitRecord& record, FutureState& state) {
  const RunnerScope scope(*record.worker());   // it is not, in a task that it runs as a submitter
  return state.help(record);
}

}  // namespace

FutureState::Help help_on_thread(Runner& runner, FutureState& state) {
  if (!may_help(runner.thread_worker(), state)) return FutureState::Help::none;
  WaitRecord record(runner, state, WaitRecord::Kind::helps);
  return help(record, state);
}

void wait_on_runner(Runner& runner, FutureState& state) {
  {
    WaitRecord record(runner, state, WaitRecord::Kind::waits);
    if (may_help(record.worker(), state) && help(record, state) == FutureState::Help::helped) return;
    // Running elsewhere, most likely, and for most tasks done before this thread would have gone to sleep.
    for (Patience patience; patience.yield_once();) {
      if (state.done()) return;
    }
  }
  Watch watch(1);
  if (watch.add(state, 0)) watch.next({});
}

}  // namespace pools::detail
