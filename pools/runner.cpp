#include "pools/runner.h"

#include <memory>

#include "pools/dispatch.h"
#include "pools/forks.h"
#include "pools/rendezvous.h"
#include "pools/waits_for.h"

namespace pools::detail {

constinit thread_local Runner* this_runner = nullptr;

namespace {

// The runner's pool has no threads in a fork, this one included: what a task does in a fork that it has made, it does as anybody.
const AtFork forget_runner([] { this_runner = nullptr; });

}  // namespace

void wait_on_runner(Runner& runner, FutureState& state, bool refuse_cycles) {
  const WaitEdge edge(runner.task(), state, refuse_cycles ? WaitEdge::OnCycle::refuse : WaitEdge::OnCycle::ignore);
  if (state.help(runner) == FutureState::Help::paused) {
    // It is pending, and neither this thread nor another may start it now. Whatever comes first, it being done or the pause's end.
    Watch watch(1);
    if (watch.add(state, 0)) watch.next({});
  }
  // Not pending any more, or not this thread's to run.
  state.sleep_until_done();
}

}  // namespace pools::detail
