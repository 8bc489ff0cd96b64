#include "pools/detail/runner.h"

#include "pools/detail/forks.h"
#include "pools/detail/watch.h"
#include "pools/observer.h"
#include "pools/src/base/backoff.h"
#include "pools/src/thread/dispatch.h"
#include "pools/src/thread/job_events.h"
#include "pools/src/thread/waits_for.h"

namespace pools::detail {

constinit thread_local Runner* this_runner = nullptr;
constinit thread_local ThreadWorker* this_worker = nullptr;

namespace {

// The runner's pool has no threads in a fork, this one included: what a task does in a fork that it has made, it does as anybody.
const AtFork forget_runner([] {
  this_runner = nullptr;
  this_worker = nullptr;
});

bool may_help(const ThreadWorker* worker, const FutureState& state) noexcept {
  return worker != nullptr && state.pending_in() == worker->pool();
}

FutureState::Help help(WaitRecord& record, FutureState& state) {
  const RunnerScope scope(*record.worker());  // it is not, in a task that it runs as a submitter
  return state.help(record);
}

}  // namespace

Runner::Runner(const CallbackSink& pool, JobEvents& events, Tally& tally, std::atomic<std::uint32_t>& admitted) noexcept
    : pool_(pool), events_(events), tally_(tally), mode_(nullptr), number_(PoolObserver::kNoWorker), admitted_(&admitted) {}

void Runner::started_with_extras(Job& job, FutureState* state) noexcept { events_.started(job, state, tally_, number_); }
void Runner::ended_with_extras(Job& job, bool failed) noexcept { events_.ended(job, tally_, number_, failed); }
void Runner::become_available() noexcept { this_worker->dispatch().make_available(*this_worker); }

FutureState::Help run_on_top(WaitRecord& wait, FutureState& task, const Job& job,
                             void (*execute)(FutureState& task, Runner& runner)) {
  ThreadWorker& worker = *wait.worker();
  ThreadWorker::HelpPermit permit(worker);
  if (const auto refused = worker.begin_helping(job, permit, wait.permit_waiter); refused != FutureState::Help::none)
    return refused;
  if (!task.try_start()) {
    worker.settled();
    return FutureState::Help::none;
  }
  wait.started();
  // What is left of it in the queue is dropped by the worker that comes by.
  worker.enter_help();
  execute(task, worker);
  worker.leave_help();
  return FutureState::Help::helped;
}

FutureState::Help help_on_thread(Runner& runner, FutureState& state, const std::shared_ptr<CompletionQueue>& waiter) {
  if (!may_help(this_worker, state)) return FutureState::Help::none;
  WaitRecord record(runner, state, WaitRecord::Kind::helps);
  record.permit_waiter = waiter;
  return help(record, state);
}

void wait_on_runner(Runner& runner, FutureState& state) {
  {
    WaitRecord record(runner, state, WaitRecord::Kind::waits);
    if (may_help(record.worker(), state) && help(record, state) == FutureState::Help::helped) return;
    // Running elsewhere, most likely, and for most tasks done before this thread would have gone to sleep.
    for (Backoff backoff; backoff.yield_once();) {
      if (state.done()) return;
    }
  }
  Watch watch(1);
  if (watch.add(state, 0)) watch.next({});
}

}  // namespace pools::detail
