#include "pools/src/remote/remote_pool_core.h"

#include <algorithm>
#include <utility>

#include "pools/errors.h"
#include "pools/src/base/own_thread.h"
#include "pools/src/process/cancelled_task.h"
#include "pools/src/remote/raw_task.h"

namespace pools::detail {
namespace {

// What TaskEvents and Backlog want to know.
ProcessPoolOptions as_process_options(const RemotePoolOptions& options) {
  return {.name_prefix = options.name_prefix, .queue = options.queue, .timing = options.timing, .observer = options.observer};
}

}  // namespace

RemotePoolState::RemotePoolState(RemotePoolOptions given)
    : options(std::move(given)),
      called("the remote pool '" + options.name_prefix + "'"),
      router(options.address),
      events(as_process_options(options), [] {}),  // no memory goes along
      backlog(options.queue.limit, room, events) {}

RemotePoolCore::RemotePoolCore(RemotePoolOptions options) : state_(std::move(options)) {}

void RemotePoolCore::open() {
  callbacks_.open(state_.options.name_prefix + "_callbacks");
  loop_.start();
}

void RemotePoolCore::close() {
  if (!state_.process.is_this()) return;
  if (loop_.is_this_thread() || loop_.links().decoding().is_this_thread()) {
    give_up(state_.called +
            " is destroyed by a thread of its own, in an observer or in the decoding of a result: "
            "it would wait for itself; destroy it on another thread, or in a callback");
  }
  shutdown({.wait = true, .cancel_futures = false});
  if (state_.events.deadlines().is_this_thread()) keep_until_this_thread_ends(shared_from_this());
  loop_.join();
  loop_.links().decoding().stop();
  state_.router.close();
  callbacks_.close();
}

bool RemotePoolCore::own_thread() noexcept {
  return loop_.is_this_thread() || loop_.links().decoding().is_this_thread() || state_.events.deadlines().is_this_thread() ||
         callbacks_.is_this_thread();
}

void RemotePoolCore::require_open() const {
  if (state_.broken) throw BrokenPoolError(state_.called + " is broken: " + *state_.broken);
  if (state_.closing) throw ShutdownError();
}

RemoteGroup& RemotePoolCore::find_group(const std::string& name) const { refuse_group(name, state_.called, {}); }

bool RemotePoolCore::must_wait_for_room() const {
  if (state_.hungry || state_.backlog.has_room()) return false;
  if (state_.options.queue.when_full != WhenFull::reject) return true;
  FutureState::await_all_cancellers();  // who has seen a task cancelled may count on its place
  if (!state_.backlog.has_room()) refuse_full_queue(state_.called, state_.backlog.limit());
  return false;
}

void RemotePoolCore::submit(TaskRef& task, bool bounded) {
  require_this_process();
  refuse_attachments(task->message().attachments());
  bounded = bounded && state_.options.queue.limit > 0 && !own_thread();
  std::optional<DeadlineTimer::Entry> start_by = state_.events.prepare(*task);
  bool wake = false;
  {
    Relock lock(state_.mutex);
    for (;;) {
      require_open();
      if (!bounded || !must_wait_for_room()) break;
      const std::uint32_t seen = state_.room.seen();
      state_.backlog.submitter_blocks();
      lock.unlock();
      state_.room.wait(seen);
      lock.lock();
      state_.backlog.submitter_goes_on();
    }
    if (!state_.backlog.enter(*task, true)) {
      lock.unlock();
      task->state().await_canceller();
      task.reset();
      return;
    }
    state_.events.submitted(*task, std::move(start_by));
    state_.backlog.push(std::move(task));
    wake = std::exchange(state_.hungry, false);
  }
  if (wake) state_.router.wake();  // with the mutex released: waking takes microseconds
}

void RemotePoolCore::kill_worker_of(const RemoteTask& task) noexcept {
  try {
    StateRef state =
        StateRef::share(&const_cast<RemoteTask&>(task).state());  // the thread looks for it, and touches nothing of it
    const Lock lock(state_.mutex);
    if (state_.finished) return;
    state_.kills.push_back(std::move(state));
  } catch (const std::exception&) {
    return;  // no memory: it goes on to its end, of which nobody hears
  }
  state_.poke();
}

void RemotePoolCore::shutdown(ShutdownOptions options) {
  if (!state_.process.is_this()) return;
  DecodingThread& decoding = loop_.links().decoding();
  if (options.wait && (loop_.is_this_thread() || decoding.is_this_thread())) {
    throw Error("shutdown would wait for the thread that calls it");
  }
  const auto take_cancelled = [&]() -> TaskList {
    const Lock lock(state_.mutex);
    state_.closing = true;
    if (!options.cancel_futures) return {};
    state_.cancel_ahead = !state_.finished;
    return state_.backlog.take_all();
  };
  TaskList cancelled = take_cancelled();
  state_.room.made();
  while (!cancelled.empty()) state_.events.cancel(*cancelled.pop_front());
  {
    const Lock lock(state_.mutex);
    if (!state_.finished) state_.poke();
  }
  // What lies ahead at agents is the pool's thread's to take back; it is cancelled when this returns, as what was queued is.
  if (options.cancel_futures && !own_thread())
    await([&]() REQUIRES(state_.mutex) { return state_.finished || !state_.cancel_ahead; });
  if (!options.wait) return;
  await([&]() REQUIRES(state_.mutex) { return state_.finished; });
  decoding.drain();
  state_.events.deadlines().stop();
  callbacks_.drain();  // on the callback thread itself it does not wait
}

void RemotePoolCore::await_hosts(int hosts, const Deadline& deadline) {
  require_this_process();
  for (bool in_time = true;;) {
    const std::uint32_t seen = state_.seen_changes();
    int there = 0;
    {
      const Lock lock(state_.mutex);
      require_open();
      for (const HostInfo& host : state_.hosts) there += host.fenced ? 0 : 1;
    }
    if (there >= hosts) return;
    if (!in_time) {
      throw TimeoutError("timed out waiting for " + std::to_string(hosts) + " hosts at " + address() + ": " +
                         std::to_string(there) + (there == 1 ? " has come" : " have come"));
    }
    in_time = state_.changes.wait(seen, deadline);
  }
}

void RemotePoolCore::start_all(int hosts) {
  require_this_process();
  {
    const Lock lock(state_.mutex);
    require_open();
    state_.all_are_to_start = true;
    ++state_.starters;
  }
  state_.poke();
  const auto leave = [&]() REQUIRES(state_.mutex) { --state_.starters; };
  await([&]() REQUIRES(state_.mutex) {
    if (state_.closing) {
      leave();
      require_open();
    }
    int there = 0;
    for (const HostInfo& host : state_.hosts) {
      if (host.fenced) continue;
      if (!host.started || !host.round_trip) return false;
      ++there;
    }
    if (there < hosts) return false;
    leave();
    return true;
  });
}

PoolMetrics RemotePoolCore::metrics() const {
  PoolMetrics metrics;
  if (!state_.process.is_this()) return metrics;
  FutureState::await_all_cancellers();  // what has been seen cancelled is counted
  {
    const Lock lock(state_.mutex);
    auto busy = static_cast<std::uint64_t>(state_.events.add_counts_to(metrics));
    busy += static_cast<std::uint64_t>(state_.permitted);
    for (const HostInfo& host : state_.hosts) metrics.workers += host.workers;
    state_.backlog.add_counts_to(metrics, busy);
  }
  state_.events.add_latencies_to(metrics);
  return metrics;
}

std::vector<HostInfo> RemotePoolCore::hosts() const {
  if (!state_.process.is_this()) return {};
  const Lock lock(state_.mutex);
  return state_.hosts;
}

RemoteIncidents RemotePoolCore::incidents() const {
  if (!state_.process.is_this()) return {};
  const Lock lock(state_.mutex);
  return state_.incidents;
}

std::string RemotePoolCore::new_agent_key() {
  require_this_process();
  return to_text(state_.router.new_agent_key());
}

void RemotePoolCore::deliver(StateRef state) noexcept { callbacks_.deliver(std::move(state), state_.process.is_this()); }

void RemotePoolCore::note_cancelled(FutureState& state) noexcept { note_cancelled_in(state_, state); }

}  // namespace pools::detail
