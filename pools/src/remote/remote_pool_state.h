#pragma once

// What the submitters and the thread of a remote pool share, and the one mutex over it.
//
// Submitters take the mutex for a moment, to queue a task; the pool's thread to take tasks and to give them back. Nobody waits for the network,
// a process, a callback or a decoder of the user's while he holds it. What wakes a thread is done without it. Locks are taken in this order:
// the mutex, then a future's stripe (future_state.cpp). A canceller, who holds a stripe, takes no mutex of the pool's.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pools/detail/forks.h"
#include "pools/remote_pool.h"
#include "pools/src/base/cache_line.h"
#include "pools/src/base/change_count.h"
#include "pools/src/base/mutex.h"
#include "pools/src/process/backlog.h"
#include "pools/src/process/queue_room.h"
#include "pools/src/process/task_events.h"
#include "pools/src/remote/router.h"

namespace pools::detail {

struct RemotePoolState {
  explicit RemotePoolState(RemotePoolOptions given);  // Throws as Router does
  RemotePoolState(const RemotePoolState&) = delete;
  RemotePoolState& operator=(const RemotePoolState&) = delete;

  // The pool's thread looks at everything once more. A canceller may call it.
  void poke() noexcept {
    // Release: what the poker prepared; pairs with the exchange in was_poked(). The router remembers the wake-up.
    poked.store(true, std::memory_order_release);
    router.wake();
  }
  bool was_poked() noexcept { return poked.exchange(false, std::memory_order_acquire); }
  // Whoever waits for a change looks once more.
  void notify() noexcept { changes.changed(); }
  std::uint32_t seen_changes() const noexcept { return changes.seen(); }

  // Constant after construction.
  const RemotePoolOptions options;
  const OwningProcess process;  // in a fork of it nothing else may be looked at
  const std::string called;     // "the remote pool 'pool'"

  // Thread-safe in themselves, as far as they say so.
  Router router;
  QueueRoom room;
  alignas(kCacheLine) TaskEvents events;

  alignas(kCacheLine) mutable AdaptiveMutex mutex;
  Backlog backlog GUARDED_BY(mutex);
  int permitted GUARDED_BY(mutex) = 0;  // tasks that hosts may begin, and have not answered
  bool closing GUARDED_BY(mutex) = false;
  bool cancel_ahead GUARDED_BY(mutex) =
      false;  // shutdown asks the pool's thread to cancel what lies ahead at agents; it answers by clearing it
  bool finished GUARDED_BY(mutex) = false;              // the pool's thread is done
  bool all_are_to_start GUARDED_BY(mutex) = false;      // hosts start all workers, also those that come later
  int starters GUARDED_BY(mutex) = 0;                   // callers of start_all that wait
  std::optional<std::string> broken GUARDED_BY(mutex);  // the cause; implies closing
  // The pool's thread sleeps, or is about to, and a host has room for a task: whoever queues one clears it, and owes the wake-up.
  bool hungry GUARDED_BY(mutex) = false;
  std::vector<StateRef> kills GUARDED_BY(mutex);  // cancelled while they were running
  std::vector<HostInfo> hosts GUARDED_BY(mutex);  // as published last
  RemoteIncidents incidents GUARDED_BY(mutex);

  std::atomic<bool> poked{false};
  ChangeCount changes;  // what await_hosts and shutdown sleep on
};

}  // namespace pools::detail
