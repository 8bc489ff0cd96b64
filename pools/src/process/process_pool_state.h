#pragma once

// What the submitters and the supervisor of a process pool share, and the one mutex over it.
//
// Who takes the mutex: submitters for a moment, to hand a small message to an idle worker or to queue a task; the supervisor between its looks; the
// thread that starts processes, to hand a worker over. Nobody waits for a process, a callback, a decoder of the user's or for room in a channel
// while he holds it. What wakes a thread is done without it.
//
// Locks are taken in this order: the mutex, then a future's stripe (future_state.cpp). A canceller, who holds a stripe, takes no mutex of
// the pool's.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/options.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/change_count.h"
#include "pools/src/base/mutex.h"
#include "pools/src/base/thread_context.h"
#include "pools/src/process/backlog.h"
#include "pools/src/process/fleet.h"
#include "pools/src/process/os/descendants.h"
#include "pools/src/process/os/event_poll.h"
#include "pools/src/process/os/watch_timer.h"
#include "pools/src/process/queue_room.h"
#include "pools/src/process/task_events.h"

namespace pools::detail {

struct ProcessPoolState {
  explicit ProcessPoolState(ProcessPoolOptions given);  // Throws std::system_error, std::bad_alloc
  ProcessPoolState(const ProcessPoolState&) = delete;
  ProcessPoolState& operator=(const ProcessPoolState&) = delete;

  void close() noexcept EXCLUDES(mutex);  // gives the descriptors back. REQUIRES: the supervisor has ended

  // The supervisor looks at everything once more.
  void poke() noexcept {
    // Release: what the poker prepared; pairs with the exchange in was_poked().
    poked.store(true, std::memory_order_release);
    poll.wake();
  }
  bool was_poked() noexcept { return poked.exchange(false, std::memory_order_acquire); }
  bool is_poked() const noexcept { return poked.load(std::memory_order_acquire); }
  // Whoever waits for a change looks once more.
  void notify() noexcept { changes.changed(); }
  // Before the look: a change after it changes the word, and await_change() returns at once.
  std::uint32_t seen_changes() const noexcept { return changes.seen(); }
  void await_change(std::uint32_t seen) const noexcept { changes.wait(seen); }

  // Offers it to a worker that has room; WorkerProcess::send_some() or hand_over() follows. False: it was cancelled, and has been dropped, or
  // what goes along with it could not be sent, and the supervisor is going to end it.
  bool give(const WorkerRef& worker, TaskRef task) noexcept REQUIRES(mutex);
  // What the worker has not begun is the pool's again, in its order. Here and now, by whoever asks.
  void take_back(WorkerProcess& worker) noexcept REQUIRES(mutex);
  void take_all_back() noexcept REQUIRES(mutex);  // that of all workers
  // For the supervisor, the only one who changes who lives.
  const std::vector<WorkerRef>& live() const noexcept NOT_ANALYSED { return fleet.live(); }

  // Constant after construction (the descriptors until the pool's close()).
  const ProcessPoolOptions options;
  const OwningProcess process;  // in a fork of it nothing else may be looked at
  const std::string called;     // "the process pool 'pool'"
  // Several tasks at a time only where nobody can tell: who watches or times starts, or counts places, sees them one by one.
  const bool prefetches;
  const DescendantMark mark = DescendantMark::of_a_new_pool();  // that of the pool's workers, each in its own way
  // For when there is no memory for a better one.
  const std::exception_ptr spare_death;
  const std::exception_ptr spare_break;

  // Thread-safe in themselves. Here and below: what the supervisor writes at each task or each of its rounds is on other lines than what
  // submitters read.
  EventPoll poll;  // what the supervisor sleeps on
  QueueRoom room;
  alignas(kCacheLine) TaskEvents events;

  alignas(kCacheLine) mutable AdaptiveMutex mutex;
  Backlog backlog GUARDED_BY(mutex);
  Fleet fleet GUARDED_BY(mutex);
  TaskList refused GUARDED_BY(mutex);  // counted as being answered
  bool paused GUARDED_BY(mutex) = false;
  bool closing GUARDED_BY(mutex) = false;               // no submissions any more
  bool finished GUARDED_BY(mutex) = false;              // the supervisor is done
  std::optional<std::string> broken GUARDED_BY(mutex);  // the cause; implies closing
  // The supervisor may sleep for how long ever: whoever gives a worker a task arms the timer, for a look at whether that was begun.
  bool unwatched GUARDED_BY(mutex) = false;
  WatchTimer watch_timer GUARDED_BY(mutex);

  alignas(kCacheLine) bool seen_closing = false;  // the supervisor's: `closing`, as last looked at

  ThreadContext context;  // of the pool's own threads. Constant since the supervisor was started
  std::atomic<bool> poked{false};
  ChangeCount changes;  // what start_all and shutdown sleep on
};

}  // namespace pools::detail
