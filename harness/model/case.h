#pragma once

// What the model is asked: numbers only. A Case is n tasks in submission order, each with the demand of its callback,
// on k workers, under one callback strategy and one set of overheads. All times are integer nanoseconds.
//
// The theory: every strategy runs the tasks by FIFO list scheduling (`sync` and inline execution: one after another);
// they differ in who runs the callbacks, when they become ready and in which order. On an event loop tasks wait side by side
// and only computing is scheduled: see loop_schedule.h.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace harness::model {

enum class Strategy { none, worker, main, extra, fused, sync, collect, as_completed, map };

std::optional<Strategy> find_strategy(std::string_view name);
std::string_view name(Strategy strategy);
bool has_callbacks(Strategy strategy);  // all but `none`

// What runs the tasks. A worker of a pool belongs to its task from beginning to end; on an event loop a task that waits
// holds nothing, and only its computing takes one of the loop's threads.
enum class Executor { pool, loop };

// What becomes of a task that finds the queue full.
enum class WhenFull {
  reject,       // it is not served at all
  caller_runs,  // who submits runs it, with its callback where the worker would, and submits nothing meanwhile
};

// Service demanded of a worker: it waits first, then computes. Never negative.
struct Demand {
  std::int64_t wait_ns = 0;
  std::int64_t compute_ns = 0;  // on a core of its own
  bool locked = false;          // computes while it holds the one lock that all locked demands of the case share (a GIL)

  std::int64_t service_ns() const { return wait_ns + compute_ns; }
};

// What the machinery costs, ns. All of it serial where it happens.
struct Overheads {
  std::int64_t submit_ns = 0;    // d: the submitting thread, per job; job i (from 1) can start at i*d
  std::int64_t dispatch_ns = 0;  // e: the worker, per job, before the task; a loop thread, whenever it takes something up
  std::int64_t routing_ns = 0;   // x: the main process, per result that `extra` hands to a parser
  std::int64_t wake_ns = 0;      // u: a loop thread that has found nothing to do, before what it then takes up
};

// Workers that are on other hosts: what a task and its result cost on their way, ns. The link carries one request at a time out, and one result
// at a time back; while one travels the next may be sent. All 0: the workers are here.
struct Hop {
  std::int64_t latency_ns = 0;  // l: each way, whatever is carried
  std::int64_t request_ns = 0;  // b: the link, per task, on its way out: bytes over bandwidth
  std::int64_t answer_ns = 0;   // b': the link, per task, for the result on its way back
  // u: a task may begin only while fewer than u before it have not been answered, and who permits it is here: l after the answer was. 0: any
  // number.
  std::int64_t window = 0;

  bool any() const { return latency_ns > 0 || request_ns > 0 || answer_ns > 0; }
};

struct Case {
  Strategy strategy = Strategy::none;
  Executor executor = Executor::pool;
  int workers = 1;                // k >= 1; of a loop its threads, L
  std::int64_t in_flight = 0;     // B: only a loop looks at it; so many tasks are under way at most; 0: any number
  int parsers = 1;                // m >= 1; only `extra` looks at it
  std::int64_t chunksize = 1;     // s >= 1; only `map` looks at it: s consecutive tasks are one job
  int cores = 0;                  // P: cores that computing demands share; 0: as many as anyone could use
  bool serial = false;            // inline execution: submit runs the task before it returns
  bool coupled = false;           // callbacks of `main` run on the thread that refills a queue of k+1 jobs (see coupled.h)
  std::vector<Demand> tasks;      // n >= 1
  std::vector<Demand> callbacks;  // one per task; `none` ignores it and may leave it empty
  // When each task comes, non-decreasing, from the origin of all times; empty: all at 0, a batch. `sync` and `map` have no meaning then.
  std::vector<std::int64_t> arrivals_ns = {};
  // Where they do, and the pool is here: so many may wait for a worker, without those that one begins at that instant. 0: any number; or who
  // submits waits for room, which changes nobody's times.
  std::int64_t queue = 0;
  WhenFull when_full = WhenFull::reject;
  Overheads overheads;
  Hop hop = {};
};

// Tasks that only wait, as `sleep` does.
std::vector<Demand> waits(std::span<const std::int64_t> durations_ns);

// Throws std::invalid_argument when a size is < 1, a time negative, the callbacks or arrivals are not one per task, the arrivals go backwards, or
// something is asked of a loop, of a hop or of tasks that arrive that has no meaning there, and std::overflow_error when the sum of all times does not fit 63 bits. Nothing below
// computes a time beyond that sum.
void check(const Case& c);

inline constexpr std::int64_t kNever = -1;

// ns from the first submit; where tasks arrive, from the origin of the arrivals. Callback times are kNever for `none`, all times are of a task
// that was rejected.
struct TaskTimes {
  std::int64_t start_ns = 0;
  std::int64_t finish_ns = 0;  // the task's own end: without its callback, and in `map` not its chunk's
  std::int64_t callback_start_ns = kNever;
  std::int64_t callback_finish_ns = kNever;
  int worker =
      0;  // from 0; the worker that has been idle longest, ties by number; of who submits k. Of a loop the thread that computed
  int server = 0;  // from 0: which worker, parser or (0) caller ran the callback
  // On a loop a task or callback starts with its wait, which holds nothing; here its computing begins. Else kNever.
  std::int64_t resumed_ns = kNever;
  std::int64_t callback_resumed_ns = kNever;

  bool rejected() const { return finish_ns == kNever; }
};

struct Prediction {
  std::int64_t makespan_ns = 0;  // first submit (or arrival) to the end of the last task or callback
  std::vector<TaskTimes> tasks;  // submission order
};

}  // namespace harness::model
