#pragma once

// What constructors and calls of both pools take beside the work itself.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pools/detail/remote_call.h"
#include "pools/observer.h"
#include "pools/worker_count.h"

namespace pools {

struct ShutdownOptions {
  bool wait = true;             // return only when every task and every callback has run and all workers are gone
  bool cancel_futures = false;  // cancel what has not started; what runs is finished
};

struct MapOptions {
  std::optional<std::chrono::nanoseconds> timeout = {};  // for the whole map, counted from the call; none: wait for ever
  int chunksize = 1;                                     // >= 1; consecutive items per task
  std::size_t buffersize = 0;  // at most so many items submitted ahead of the one being read; 0: all at once
  std::string group = {};      // the concurrency group of its tasks; empty: none
};

// What submit does when the queue is full.
enum class WhenFull {
  block,        // waits for room; ShutdownError or BrokenPoolError if the pool ends meanwhile
  reject,       // throws QueueFullError
  caller_runs,  // runs the task itself before it returns, out of order; on a ThreadPool only
};

// For resize(): as many workers as a pool has that is not told how many, read now, and again each second until another resize().
struct Automatic {};
inline constexpr Automatic automatic{};

struct QueueOptions {
  // Tasks that may wait, beside those that run; 0: any number. It bounds producers from outside: what a task, a callback or a
  // then_in of the pool itself submits is always accepted, since to block it could stop the pool.
  std::size_t limit = 0;
  WhenFull when_full = WhenFull::block;
};

// Tasks of which no more than `limit` are at work at any instant, whatever the number of workers: pool.with({.group = "db"}).submit(...). Those
// beyond wait in the queue, passed over by others that may run.
struct ConcurrencyGroup {
  std::string name;  // not empty, and no other's
  int limit = 1;     // >= 1
};

// --- ThreadPool -----------------------------------------------------------------------------------------------------------

// Where a future's callbacks run that were attached before its task ended.
enum class CallbackOn {
  worker,           // on the worker that ran the task, before it takes the next one
  callback_thread,  // on one thread of the pool's own, in completion order
};

struct ThreadPoolOptions {
  WorkerCount workers = {};          // >= 1; none: usable_cores().count * 5; self_sizing{.min = 1, .max = 200}: worker_count.h
  std::string name_prefix = "pool";  // the threads are named prefix_0, prefix_1, ... (cut so that 15 characters show the number)
  CallbackOn callbacks = CallbackOn::worker;
  std::function<void()> initializer = {};  // run by each worker first, and by the callback thread. If it throws the pool breaks.
  QueueOptions queue = {};                 // a bounded queue
  std::vector<int> cpus = {};              // worker N runs on CPU cpus[N % size] only; empty: anywhere
  bool timing = false;                     // queue-wait and run-time histograms in metrics()
  std::shared_ptr<PoolObserver> observer = {};
  std::vector<ConcurrencyGroup> groups = {};
};

// Of one task of a ThreadPool: pool.with({.priority = 1}).submit(...). Those of a ProcessPool's are RemoteTaskOptions.
struct TaskOptions {
  int priority = 0;  // higher ones are started first, equal ones in the order of submission
  // > 0; counted from the submit: a task that has not begun by then is cancelled; one that has goes on.
  std::optional<std::chrono::nanoseconds> start_by = {};
  std::string group = {};  // one of the pool's; empty: none
};

// --- ProcessPool ----------------------------------------------------------------------------------------------------------

// What happens to a task whose worker dies, provided the task was at work: nothing else is ever tried again.
struct RetryPolicy {
  int retries = 0;                                                   // >= 0; how often a task is started again
  std::chrono::nanoseconds backoff = std::chrono::milliseconds(10);  // >= 0; before the first retry; doubles with each
  std::chrono::nanoseconds max_backoff = std::chrono::seconds(1);    // >= backoff
};

// Where a worker's standard output and standard error go.
enum class WorkerOutput {
  tagged,     // to this process's own, line by line, each with "[prefix_N pid] " before it
  inherited,  // they are this process's own
  discarded,
};

struct ProcessPoolOptions {
  WorkerCount workers = {};          // >= 1; none: usable_cores().count; self_sizing{.min = 1, .max = 200}: worker_count.h
  std::string name_prefix = "pool";  // workers are called prefix_0, prefix_1, ... in ps and top (15 characters are shown)
  // pools::remote<&fn>(args...): called once in each worker before its first task. If it throws, the pool is broken.
  RemoteCall initializer = {};
  QueueOptions queue = {};     // a bounded queue; caller_runs is refused
  std::vector<int> cpus = {};  // worker N runs on CPU cpus[N % size] only; empty: anywhere
  // >= 0; how many threads OpenMP, OpenBLAS, MKL, BLIS and NumExpr start in each worker, and all programs that it starts: OMP_NUM_THREADS and
  // the like in its environment, from its first instruction on. None: its share, inner_threads_share() (cores.h), as it is at its start,
  // in those of these variables that this process's environment does not have: read whenever a worker starts, on another thread, so that no
  // setenv() is allowed while the pool lives. 0: the environment stays as it is. oneTBB reads no variable: an
  // initializer makes a tbb::global_control of pools::inner_threads().
  std::optional<int> inner_threads = {};
  bool timing = false;  // queue-wait and run-time histograms in metrics()
  std::shared_ptr<PoolObserver> observer = {};
  RetryPolicy retry = {};
  // >= 1; workers that one task may kill, or that die having it first, before it gets a QuarantinedError, whatever retries it has left
  int quarantine_after = 3;
  int crash_limit = 50;  // >= 0; deaths of workers in a row, no task having ended in between, that break the pool; 0: never
  int max_tasks_per_child = 0;      // >= 0; a worker is replaced after so many tasks; 0: never
  std::uint64_t memory_limit = 0;   // bytes of address space (RLIMIT_AS) of each worker; beyond it allocations fail; 0: no limit
  std::uint64_t recycle_above = 0;  // bytes of resident memory above which a worker is replaced after its task; 0: never
  std::chrono::nanoseconds kill_gap = std::chrono::milliseconds(200);  // >= 0; from SIGTERM to SIGKILL
  // >= 0; a worker that is told to go, or given a task, and does nothing about it for so long is ended: SIGTERM, after kill_gap SIGKILL.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
  WorkerOutput output = WorkerOutput::tagged;
  // >= 0; from shutdown on, tagged output that nobody takes for so long (a pipe is full and not read) is dropped, with all that follows.
  std::chrono::nanoseconds output_patience = std::chrono::seconds(10);
  std::uint64_t max_payload = 0;  // bytes of one task's arguments, and of its result; 0: no limit. Messages of exceptions: 1 MiB
  std::vector<ConcurrencyGroup> groups = {};
};

// Of one task of a ProcessPool: pool.with({.retries = 2}).submit<&fn>(...).
struct RemoteTaskOptions {
  int priority = 0;  // higher ones are started first, equal ones in the order of submission
  // > 0; counted from the submit: a task that does not run then is cancelled, wherever it waits: in the queue, with a worker that has not
  // begun it, for its retry. One that runs goes on, and so do its retries; cancel_kills has no part in it.
  std::optional<std::chrono::nanoseconds> start_by = {};
  // > 0; counted from the start of the task, at each retry anew. The worker that is still at it then is sent SIGTERM, with all that it
  // started, and after kill_gap SIGKILL; the future gets a TimeLimitError, unless the answer came in between.
  std::optional<std::chrono::nanoseconds> time_limit = {};
  std::optional<int> retries = {};  // >= 0; instead of the pool's
  bool cancel_kills = false;        // cancel() of the running task succeeds, and kills its worker
  std::string group = {};           // one of the pool's; empty: none. A RemotePool has none
};

}  // namespace pools
