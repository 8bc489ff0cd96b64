#include "pools/src/process/process_pool_core.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "pools/errors.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/process/cancelled_task.h"
#include "pools/src/process/live_pools.h"

namespace pools::detail {
namespace {

// Messages up to this size are sent by the submitting thread, with the mutex held: that takes less time than waking the
// supervisor. Any such message fits into an empty ring.
constexpr std::size_t kSentBySubmitter = 8192;
static_assert(kSentBySubmitter <= ChannelMemory::kRingCapacity);

using Clock = std::chrono::steady_clock;

}  // namespace

ProcessPoolCore::ProcessPoolCore(ProcessPoolOptions options) : state_(std::move(options)) {}
ProcessPoolCore::~ProcessPoolCore() { LivePools::remove(*this); }

void ProcessPoolCore::refuse_in_fork() const { state_.process.refuse(state_.called); }

void ProcessPoolCore::open() {
  callbacks_.open(state_.options.name_prefix + "_callbacks", [this] { state_.context.apply(); });
  starter_.open(weak_from_this());
  LivePools::add(shared_from_this());
  supervisor_.start();
  if (!state_.options.workers.bounds()) return;
  try {
    sizer_.start(*state_.options.workers.bounds(), workers());
  } catch (...) {
    close();
    throw;
  }
}

void ProcessPoolCore::close() {
  if (!state_.process.is_this()) return;
  if (supervisor_.is_this_thread() || supervisor_.answers().decoding().is_this_thread()) {
    give_up(state_.called +
            " is destroyed by a thread of its own, in an observer or in the decoding of a result: "
            "it would wait for itself; destroy it on another thread, or in a callback");
  }
  shutdown({.wait = true, .cancel_futures = false});
  if (state_.events.deadlines().is_this_thread()) keep_until_this_thread_ends(shared_from_this());
  supervisor_.join();
  supervisor_.answers().decoding().stop();
  starter_.close();
  state_.close();
  callbacks_.close();
}

bool ProcessPoolCore::own_thread() noexcept {
  return supervisor_.is_this_thread() || supervisor_.answers().decoding().is_this_thread() ||
         state_.events.deadlines().is_this_thread() || callbacks_.is_this_thread();
}

void ProcessPoolCore::require_open() const {
  if (state_.broken) throw BrokenPoolError("the process pool is broken: " + *state_.broken);
  if (state_.closing) throw ShutdownError();
}

RemoteGroup& ProcessPoolCore::find_group(const std::string& name) const NOT_ANALYSED {
  return state_.backlog.groups().find(name, state_.called);
}

bool ProcessPoolCore::must_wait_for_room(const RemoteTask& task) const {
  const bool begins = !state_.fleet.idle().empty() && !state_.paused && state_.backlog.has_permit_for(task);
  if (begins || state_.backlog.has_room()) return false;
  if (state_.fleet.may_start_more() && state_.backlog.waiting() == 0) return false;  // a worker is going to be started for it
  if (state_.options.queue.when_full != WhenFull::reject) return true;
  // Who has seen a task cancelled may count on its place, which the canceller is about to give back. It needs no mutex for that.
  FutureState::await_all_cancellers();
  if (!state_.backlog.has_room()) refuse_full_queue(state_.called, state_.backlog.limit());
  return false;
}

void ProcessPoolCore::submit(TaskRef& task, bool bounded) {
  require_own_process();
  WorkerRef worker;
  int number = -1;
  bounded = bounded && state_.options.queue.limit > 0 && !own_thread();
  std::optional<DeadlineTimer::Entry> start_by = state_.events.prepare(*task);
  {
    Relock lock(state_.mutex);
    for (;;) {
      require_open();
      if (!bounded || !must_wait_for_room(*task)) break;
      const std::uint32_t seen = state_.room.seen();
      state_.backlog.submitter_blocks();
      lock.unlock();
      state_.room.wait(seen);
      lock.lock();
      state_.backlog.submitter_goes_on();
    }
    const bool waits =
        state_.fleet.idle().empty() || state_.paused || !state_.backlog.empty() || !state_.backlog.has_permit_for(*task);
    if (!state_.backlog.enter(*task, waits)) {
      lock.unlock();
      task->state().await_canceller();
      task->release_attachments();  // its future may live on
      task.reset();
      return;
    }
    state_.events.submitted(*task, std::move(start_by));
    if (waits) {
      state_.backlog.push(std::move(task));
      if (state_.fleet.idle().empty()) number = state_.fleet.reserve_number();
    } else {
      worker = give_to_idle(std::move(task));
    }
    sizer_.task_began();  // within the mutex: when it is released the task may end, and what hears of that destroy the pool
  }
  // With the mutex released: waking takes microseconds.
  if (worker) worker->channel().ring();
  if (number >= 0) starter_.start(number);
}

WorkerRef ProcessPoolCore::give_to_idle(TaskRef task) noexcept {
  WorkerRef worker = state_.fleet.take_idle();
  if (!state_.give(worker, std::move(task))) {
    state_.fleet.make_idle(worker);
    if (!state_.backlog.empty()) state_.poke();  // its permit may be another's now
    return nullptr;
  }
  if (std::exchange(state_.unwatched, false)) {
    state_.watch_timer.arm(
        std::clamp<Clock::duration>(state_.options.grace, std::chrono::nanoseconds(1), WorkerProcess::kFirstPatience));
  }
  try {
    if (worker->unsent_bytes() <= kSentBySubmitter && !worker->due) {
      worker->send_some();
      // Before its worker is back from its last task, whose arguments still lie there, the ring of an idle one need not be empty.
      if (worker->unsent()) state_.poke();
    } else {
      worker->hand_over();
      state_.poke();
    }
  } catch (const WireError& error) {
    worker->condemn(error.what());
  }
  return worker;
}

void ProcessPoolCore::shutdown(ShutdownOptions options) {
  if (!state_.process.is_this()) return;
  DecodingThread& decoding = supervisor_.answers().decoding();
  if (options.wait && (supervisor_.is_this_thread() || decoding.is_this_thread())) {
    throw Error("shutdown would wait for the thread that calls it");
  }
  cores_.close();
  sizer_.stop();  // after it: nothing starts it any more
  const auto take_cancelled = [&]() -> TaskList {
    const Lock lock(state_.mutex);
    state_.closing = true;
    state_.paused = false;
    if (!state_.finished) state_.poke();
    if (!options.cancel_futures) return {};
    state_.take_all_back();
    return state_.backlog.take_all();
  };
  TaskList cancelled = take_cancelled();
  state_.room.made();
  if (OutputRelay* const relay = starter_.relay()) relay->hurry();
  while (!cancelled.empty()) state_.events.cancel(*cancelled.pop_front());
  if (!options.wait) return;
  await_finish();
  decoding.drain();
  state_.events.deadlines().stop();
  callbacks_.drain();  // on the callback thread itself it does not wait
  if (OutputRelay* const relay = starter_.relay()) relay->flush();
}

void ProcessPoolCore::await_finish() const noexcept {
  for (;;) {
    const std::uint32_t seen = state_.seen_changes();
    if (is_finished()) return;
    state_.await_change(seen);
  }
}

bool ProcessPoolCore::is_finished() const {
  const Lock lock(state_.mutex);
  return state_.finished;
}

void ProcessPoolCore::start_all() {
  require_own_process();
  for (bool first = true;; first = false) {
    const std::uint32_t seen = state_.seen_changes();
    // Each time, not once: workers die and are recycled meanwhile, and others resize.
    for (;;) {
      int number = -1;
      {
        const Lock lock(state_.mutex);
        require_open();
        number = state_.fleet.reserve_number();
      }
      if (number < 0) break;
      starter_.start(number);
    }
    if (first) callbacks_.start();
    {
      const Lock lock(state_.mutex);
      if (state_.fleet.complete()) return;
    }
    state_.await_change(seen);
  }
}

void ProcessPoolCore::pause() {
  require_own_process();
  const Lock lock(state_.mutex);
  if (state_.closing || state_.paused) return;
  state_.paused = true;
  state_.take_all_back();  // what a worker has not begun is the pool's again when this returns
  state_.poke();
}

void ProcessPoolCore::resume() {
  require_own_process();
  const Lock lock(state_.mutex);
  if (!state_.paused) return;
  state_.paused = false;
  if (!state_.finished) state_.poke();
  sizer_.task_began();  // what has waited for this may
}

bool ProcessPoolCore::paused() const {
  if (!state_.process.is_this()) return false;
  const Lock lock(state_.mutex);
  return state_.paused;
}

void ProcessPoolCore::resize(int workers) {
  require_own_process();
  cores_.instead([&] {
    sizer_.stop();
    set_size(workers);
  });
}

void ProcessPoolCore::resize_automatically() {
  require_own_process();
  cores_.follow([this] { sizer_.stop(); });
}

void ProcessPoolCore::set_size(int workers) {
  {
    const Lock lock(state_.mutex);
    require_open();
    state_.fleet.resize(workers);
    state_.poke();
  }
  state_.notify();
  starter_.start_needed();
}

int ProcessPoolCore::workers() const {
  if (!state_.process.is_this()) return 0;
  const Lock lock(state_.mutex);
  return state_.fleet.target();
}

std::vector<pid_t> ProcessPoolCore::worker_pids() const {
  if (!state_.process.is_this()) return {};
  const Lock lock(state_.mutex);
  std::vector<pid_t> pids;
  pids.reserve(state_.fleet.live().size());
  for (const WorkerRef& worker : state_.fleet.live()) pids.push_back(worker->pid());
  return pids;
}

PoolMetrics ProcessPoolCore::metrics() const {
  PoolMetrics metrics = task_metrics();
  if (state_.process.is_this()) metrics.sizing = sizer_.metrics();
  return metrics;
}

PoolMetrics ProcessPoolCore::task_metrics() const {
  PoolMetrics metrics;
  if (!state_.process.is_this()) return metrics;
  FutureState::await_all_cancellers();  // what has been seen cancelled is counted
  {
    const Lock lock(state_.mutex);
    auto busy = static_cast<std::uint64_t>(state_.events.add_counts_to(metrics));
    metrics.workers = state_.fleet.living();
    metrics.crashed = state_.fleet.crashed();
    metrics.respawned = state_.fleet.respawned();
    for (const WorkerRef& worker : state_.fleet.live()) {
      busy += worker->phase == WorkerProcess::Phase::ready && worker->tasks() > 0;
    }
    state_.backlog.add_counts_to(metrics, busy);
    state_.backlog.groups().add_to(metrics);
  }
  state_.events.add_latencies_to(metrics);
  return metrics;
}

void ProcessPoolCore::deliver(StateRef state) noexcept { callbacks_.deliver(std::move(state), state_.process.is_this()); }

void ProcessPoolCore::note_cancelled(FutureState& state) noexcept { note_cancelled_in(state_, state); }

void ProcessPoolCore::help_to_complete(FutureState& state) noexcept {
  if (!state_.options.observer) supervisor_.lead_until_done(state);  // an observer may count on who calls it
}

void ProcessPoolCore::kill_worker_of(const RemoteTask& task) noexcept {
  const Lock lock(state_.mutex);
  for (const WorkerRef& worker : state_.fleet.live()) {
    // Only if it is still at it: the oldest that was not taken back.
    if (worker->given() == 0 || worker->at(0).task.get() != &task || worker->kill_reason != WorkerProcess::KillReason::none)
      continue;
    worker->kill_reason = WorkerProcess::KillReason::cancelled;
    worker->child().kill_group(SIGKILL);
    worker->child().kill(SIGKILL);
    return;
  }
}

}  // namespace pools::detail
