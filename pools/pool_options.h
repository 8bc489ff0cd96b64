#pragma once

// What both pools' constructors and calls take besides the work itself.

#include <chrono>
#include <cstddef>
#include <optional>

namespace pools {

struct ShutdownOptions {
  bool wait = true;              // return only when every task and every callback has run and all workers are gone
  bool cancel_futures = false;   // cancel what has not started; what runs is finished
};

struct MapOptions {
  std::optional<std::chrono::nanoseconds> timeout = {};   // for the whole map, counted from the call; none: wait for ever
  int chunksize = 1;           // >= 1; consecutive items per task of a ProcessPool; a ThreadPool ignores it
  std::size_t buffersize = 0;  // at most so many tasks submitted ahead of the item being read; 0: all at once
};

// What submit does when the queue is full.
enum class WhenFull {
  block,         // waits for room; ShutdownError or BrokenPoolError if the pool ends meanwhile
  reject,        // throws QueueFullError
  caller_runs,   // runs the task itself before it returns, out of order; on a ThreadPool only
};

struct QueueOptions {
  // Tasks that may wait, beside those that run; 0: any number. It bounds producers from outside: what a task, a callback or a
  // then_in of the pool itself submits is always accepted, since to block it could stop the pool.
  std::size_t limit = 0;
  WhenFull when_full = WhenFull::block;
};

// Of one task of a ThreadPool: pool.with({.priority = 1}).submit(...). Those of a ProcessPool's are RemoteTaskOptions.
struct TaskOptions {
  int priority = 0;   // higher ones are started first, equal ones in the order of submission
  // > 0; counted from the submit: a task that has not started by then is cancelled. One that has started goes on (only a worker process
  // can be ended: RemoteTaskOptions counts from the start of the task).
  std::optional<std::chrono::nanoseconds> deadline = {};
};

}  // namespace pools
