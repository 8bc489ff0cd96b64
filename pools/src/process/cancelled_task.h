#pragma once

// What the canceller of a task does for its pool, whose state has `events`, a `backlog` with its `room`, and poke().

#include "pools/detail/remote_task.h"
#include "pools/src/process/backlog.h"

namespace pools::detail {

// Any thread, with a future's stripe locked and no mutex of the pool's.
template <class PoolState>
void note_cancelled_in(PoolState& pool, FutureState& state) noexcept {
  const auto task = dynamic_cast<RemoteTask*>(&state);
  if (task == nullptr) return;
  const RemoteTask::Place was = Backlog::cancelled(*task);
  // What is submitted later, by whoever completes what comes before it (then_in), is being prepared perhaps.
  if (was != RemoteTask::Place::unsubmitted) pool.events.forget_start_by(*task);
  switch (was) {
    case RemoteTask::Place::unsubmitted:
    case RemoteTask::Place::cancelled:
      return;
    case RemoteTask::Place::waiting:
      pool.room.cancelled_in_queue();
      pool.events.cancelled();
      pool.room.made();
      return;
    case RemoteTask::Place::retrying:
      pool.events.cancelled();
      pool.poke();  // a shutdown need not wait for it any more. The pool is there: it awaits its cancellers
      return;
    case RemoteTask::Place::elsewhere:
      pool.events.cancelled();
  }
}

}  // namespace pools::detail
