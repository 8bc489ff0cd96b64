#pragma once

// What a task demands of the machine, estimated from traces of it: how long it waits, how long it computes, how much of that
// under a lock that threads of one process share, what running many at a time costs beyond that.
//
// Thread safety: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/trace.h"
#include "harness/model/case.h"

namespace harness::recommend {

// What runs the tasks, the cheaper first. Those other than thread and process are Python's: threads that asyncio hands functions to, one
// event loop (whose `workers` are the tasks in flight), processes that are not forked. Those of `remote` are on other hosts.
enum class Pool { thread, to_thread, loop, process, forkserver, spawn, remote };
std::string backend_name(
    Pool pool);  // "thread", "to_thread", "asyncio", "process", "process_forkserver", "process_spawn", "remote"
bool is_process(Pool pool);

// USL (Gunther): running N at a time, each takes 1 + alpha (N - 1) + beta N (N - 1) times as long. Here on top of what the model
// knows (cores, a lock), so that 0 and 0 mean: nothing else contends.
struct Usl {
  double alpha = 0;  // >= 0: contention
  double beta = 0;   // >= 0: coherency

  double slowdown(int workers) const { return 1 + alpha * (workers - 1) + beta * workers * (workers - 1.0); }
  bool contends() const { return alpha > 0 || beta > 0; }
};

// One measured run: how many at a time, and how many times as long as the model says.
struct Slowdown {
  int workers = 1;
  double factor = 1;
};
// Least squares under alpha, beta >= 0; no contention where every factor is below `noise`: what noise can explain, it does.
Usl fit_usl(const std::vector<Slowdown>& slowdowns, double noise = 1.1);

struct PoolProfile {
  double locked_share = 0;       // of the computation, under one lock per process: 0 to 1
  std::int64_t dispatch_ns = 0;  // per task beyond the task itself, at one worker
  Usl usl;
  std::int64_t start_ns = 0;             // of a pool, its end included; 0 where that does not count
  std::int64_t start_per_worker_ns = 0;  // more for each worker
};

struct Profile {
  // One per task that was seen, in the order of the inputs, among which they lie evenly. A task that keeps several cores busy at once counts
  // as computing all the time, on cores that are so many fewer.
  std::vector<model::Demand> demands;
  // How many inputs there are: fewer tasks take such as lie evenly among them, more take them from the first again. 0: tasks have none, and
  // one demand is as good as another.
  int inputs = 0;
  std::vector<std::int64_t> services_ns;  // their durations as measured, one at a time
  double delayed_share = 0;               // of these, in which a task was kept off a CPU: is in no demand
  int cores = 1;
  double cores_per_task = 1;  // CPU time over duration where that is more than one
  PoolProfile thread;
  PoolProfile process;  // of worker processes, on other hosts, too, which are taken to be as this one
  model::Hop hop = {};  // what the way to other hosts costs, without its window

  const PoolProfile& of(Pool pool) const { return is_process(pool) ? process : thread; }
  // Of the task-th of so many: what its input demands, or the nearest one that was seen.
  const model::Demand& demand_of(int task, int tasks) const;
  std::int64_t mean_wait_ns() const;
  std::int64_t mean_compute_ns() const;
  double waiting_share() const;                   // of the time of a task: 0 to 1
  std::optional<double> wait_to_compute() const;  // W/C; nothing if it never computes
  std::int64_t quantile_ns(double q) const;       // of services_ns
  double variation() const;                       // their coefficient of variation
  double effective_cores() const { return cores / cores_per_task; }
};

// From runs of one worker, in which nothing disturbs anybody; where somebody else had the CPU, as far as the kernel says, a task did not wait.
// Throws std::invalid_argument when there is no task.
Profile profile_of(const std::vector<const Trace*>& one_at_a_time, int cores);

// How much of the computation is under a lock, from one run of several workers: 0 where it took what the model says without a
// lock, 1 with everything locked, between them in proportion.
double locked_share(std::int64_t measured_ns, std::int64_t unlocked_ns, std::int64_t locked_ns);

// Whether runs of several threads were slower than those of as many processes by more than noise is: every one than every one; of fewer
// than two each, by half. REQUIRES: neither is empty.
bool beyond_noise(const std::vector<std::int64_t>& threads_ns, const std::vector<std::int64_t>& processes_ns);

// Goetz 2006: the number of workers that keeps the cores busy, cores * (1 + W/C); with a share s of the computation under a lock
// per process, no more than (1 + W/C) / s threads have anything to gain. Nothing if tasks never compute: more are always better.
std::optional<double> knee(const Profile& profile, Pool pool);

}  // namespace harness::recommend
