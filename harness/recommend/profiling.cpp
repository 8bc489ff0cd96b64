#include "harness/recommend/profiling.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace harness::recommend {
namespace {

using std::chrono::nanoseconds;

constexpr int kMostSampled = 40;  // tasks run one at a time

// Shares of the budget: up to here each may go on.
constexpr double kSampling = 0.15;
constexpr double kProbing = 0.25;
constexpr double kProbingMore = 0.4;  // more at a time than one per core

constexpr std::int64_t kLeastProbeNs = 40'000'000;  // of less than this much is noise; if there are as many tasks

class Profiling {
 public:
  Profiling(const Question& question, Trials& trials, std::vector<std::string>& notes, model::Demand& callback)
      : question_(question), trials_(trials), notes_(notes), callback_(callback) {}

  Profile run() {
    const model::Hop hop = question_.over_hosts.empty() ? model::Hop{} : trials_.hop();  // first: the records begin with it
    if (question_.python) {
      profile_ = question_.python->seen.profile;
      look_at_pools();
    } else {
      sample();
    }
    profile_.inputs = question_.inputs;
    probe();
    profile_.hop = hop;
    return std::move(profile_);
  }

 private:
  struct Probe {
    Batch batch;
    int workers = 1;
    std::vector<std::int64_t> measured_ns = {};
    std::int64_t start_ns = std::numeric_limits<std::int64_t>::max();  // of the pool, its end included: the least

    std::int64_t fastest_ns() const { return *std::min_element(measured_ns.begin(), measured_ns.end()); }
  };
  struct Probes {  // of the same numbers of workers, unless there are no processes
    std::vector<Probe> threads;
    std::vector<Probe> processes;
  };

  // One task at a time.
  void sample() {
    trials_.tell("running tasks one at a time");
    // A callback of the user's own, whose demand nobody knows, runs as part of the task.
    const bool parses = !question_.callback_workload.empty();
    const Choice alone{Pool::thread, 1, parses ? model::Strategy::fused : model::Strategy::none, 0};
    const Trace first = trials_.run(alone, 1);  // cold: files to be read, code to be loaded; only for an idea of the duration
    const std::int64_t about = std::max<std::int64_t>(1, makespan_ns(first));
    const std::int64_t affordable = trials_.left(kSampling).count() / 2 / about;
    const int tasks =
        static_cast<int>(std::clamp<std::int64_t>(affordable, 3, std::min(kMostSampled, std::max(3, question_.tasks))));
    const Trace many = trials_.run(alone, tasks);
    profile_ = profile_of({&many}, question_.cores);
    profile_.thread.dispatch_ns = overhead_of(many);
    if (parses) callback_ = callback_of(many);
    const Trace remote = trials_.run({Pool::process, 1, alone.strategy, 0}, std::min(tasks, 8));
    profile_.process.dispatch_ns = overhead_of(remote);
    if (constexpr double kMuch = 0.05; profile_.delayed_share > kMuch) {
      notes_.push_back("tasks were kept off a CPU for " + std::to_string(std::lround(100 * profile_.delayed_share)) +
                       " % of their time, by what else this machine does; that is not counted as waiting");
    }
    if (tasks < std::min(8, question_.tasks)) {
      notes_.push_back("only " + std::to_string(tasks) +
                       " tasks fit the share of the budget for a first look: the distribution is not known well");
    }
  }

  // What a task costs beyond itself, and what a pool of one worker costs, where the tasks have been seen already.
  void look_at_pools() {
    const int tasks = std::min(question_.tasks, 4);
    trials_.tell("running tasks one at a time");
    for (const Pool pool : question_.pools) {
      if (pool == Pool::loop) continue;
      const Trace trace = trials_.run({pool, 1, model::Strategy::none, 0}, tasks);
      PoolProfile& known = pool == Pool::thread ? profile_.thread : profile_.process;
      known.dispatch_ns = overhead_of(trace);
      known.start_ns = trace.pool_start_ns + trace.pool_stop_ns;
    }
  }

  // Of the least that pools of several workers took, a line through that of one.
  void learn_start(PoolProfile& pool, const std::vector<Probe>& probes) const {
    if (!question_.python || probes.empty()) return;
    const Probe& largest = probes.back();
    const std::int64_t more = std::max<std::int64_t>(0, largest.start_ns - pool.start_ns);
    pool.start_per_worker_ns = more / std::max(1, largest.workers - 1);
    pool.start_ns = std::max<std::int64_t>(0, pool.start_ns - pool.start_per_worker_ns);
  }

  // On average. At least 1 ns, so that it counts as a callback.
  static model::Demand callback_of(const Trace& trace) {
    model::Demand sum;
    for (const TaskTrace& task : trace.tasks) {
      const std::int64_t took = task.callback_finished_ns - task.callback_started_ns;
      const std::int64_t computed = std::clamp<std::int64_t>(task.callback_cpu_ns, 0, took);
      sum.compute_ns += computed;
      sum.wait_ns += std::max<std::int64_t>(0, took - computed - task.callback_delayed_ns);
    }
    const auto count = static_cast<std::int64_t>(trace.tasks.size());
    return {.wait_ns = sum.wait_ns / count, .compute_ns = std::max<std::int64_t>(1, sum.compute_ns / count)};
  }

  // Per task, beyond the tasks themselves and their callbacks.
  static std::int64_t overhead_of(const Trace& trace) {
    std::int64_t busy = 0;
    for (const TaskTrace& task : trace.tasks) {
      busy += task.finished_ns - task.started_ns;
      if (task.callback_started_ns != kNoStamp) busy += task.callback_finished_ns - task.callback_started_ns;
    }
    return std::max<std::int64_t>(0, makespan_ns(trace) - busy) / static_cast<std::int64_t>(trace.tasks.size());
  }

  // Several at a time, on both pools. Worker processes have nothing in common but the machine, so that what threads are slower than
  // processes is a lock of theirs, and what both are slower than predicted is contention.
  void probe() {
    std::vector<int> counts{question_.cores};
    const double waits = profile_.waiting_share();
    if (waits > 0.05) counts.push_back(std::min(question_.cores * 5, question_.most_workers));
    if (waits > 0.85) counts.push_back(std::min(question_.cores * 20, question_.most_workers));
    std::erase_if(counts, [](int count) { return count < 2; });
    counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
    Probes probes;
    for (const int workers : counts) {
      if (workers > counts.front() && trials_.used() > kProbingMore) {
        notes_.push_back(
            fmt::format("the first look used {:.0f} % of the budget, and did not go beyond {} at a time: what more of them "
                        "cost each other is not known",
                        100 * trials_.used(), probes.threads.back().workers));
        break;
      }
      probe(workers, probes);
    }
    profile_.process.usl = usl_of(probes.processes, Pool::process);
    profile_.thread.locked_share = lock_of(probes.threads, probes.processes);
    profile_.thread.usl = usl_of(probes.threads, Pool::thread);
    learn_start(profile_.process, probes.processes);
    learn_start(profile_.thread, probes.threads);
  }

  // Up to three runs on each pool: a disturbance only ever makes one slower. In turns, so that a phase of it hits both.
  void probe(int workers, Probes& probes) {
    const std::int64_t service_ns = std::max<std::int64_t>(1, profile_.mean_wait_ns() + profile_.mean_compute_ns());
    const std::int64_t in_turn = std::max<std::int64_t>(3, kLeastProbeNs / service_ns);
    const std::int64_t enough = std::min<std::int64_t>(std::max(question_.tasks, workers), workers * in_turn);
    const Batch batch{.tasks = static_cast<int>(enough), .callback = {}};
    std::vector<Pool> pools;
    for (const Pool pool : {Pool::process, Pool::thread}) {
      if (std::find(question_.pools.begin(), question_.pools.end(), pool) == question_.pools.end()) continue;
      pools.push_back(pool);
      (pool == Pool::thread ? probes.threads : probes.processes).push_back({batch, workers});
    }
    for (int run = 0; run < 3; ++run) {
      std::int64_t both = 0;
      for (const Pool pool : pools) {
        trials_.tell("running " + std::to_string(workers) + " at a time");
        const Trace trace = trials_.run({pool, workers, model::Strategy::none, 0}, batch.tasks);
        Probe& probe = (pool == Pool::thread ? probes.threads : probes.processes).back();
        probe.measured_ns.push_back(makespan_ns(trace));
        probe.start_ns = std::min(probe.start_ns, trace.pool_start_ns + trace.pool_stop_ns);
        both += makespan_ns(trace);
      }
      if (trials_.used() > kProbing || nanoseconds(both) > trials_.left(kProbing)) break;
    }
  }

  // The model's makespan, to which what a pool's start costs is no part.
  static std::int64_t plain_ns(Profile profile, const Batch& batch, const Choice& choice) {
    for (PoolProfile* pool : {&profile.thread, &profile.process}) pool->start_ns = pool->start_per_worker_ns = 0;
    return predict_ns(profile, batch, choice);
  }

  // How many times as long as the profile, as far as it is known, has it.
  double factor_of(const Probe& probe, Pool pool) const {
    return static_cast<double>(probe.fastest_ns()) /
           static_cast<double>(plain_ns(profile_, probe.batch, {pool, probe.workers, model::Strategy::none, 0}));
  }

  Usl usl_of(const std::vector<Probe>& probes, Pool pool) const {
    std::vector<Slowdown> slowdowns;
    for (const Probe& probe : probes) slowdowns.push_back({probe.workers, factor_of(probe, pool)});
    return slowdowns.empty() ? Usl{} : fit_usl(slowdowns);
  }

  // From the number of threads at which a lock would show most: two that nearly always wait hardly ever meet at it.
  // REQUIRES: probes of the same numbers of workers.
  double lock_of(const std::vector<Probe>& threads, const std::vector<Probe>& processes) const {
    Profile free = profile_;
    free.process.usl = {};  // against the plain model, for threads are
    Profile locked = profile_;
    locked.thread.locked_share = 1;
    double contrast = 0;
    double share = 0;
    for (std::size_t at = 0; at < threads.size(); ++at) {
      const Probe& probe = threads[at];
      const Choice choice{Pool::thread, probe.workers, model::Strategy::none, 0};
      const double plain =
          static_cast<double>(plain_ns(free, probe.batch, {Pool::process, probe.workers, model::Strategy::none, 0}));
      // Without processes beside them nothing tells a lock from contention: then all that is amiss is taken for the lock, where there is one.
      const bool alone = at >= processes.size();
      if (alone && !(question_.python && question_.python->one_lock)) continue;
      const double contention = alone ? 1 : std::max(1.0, static_cast<double>(processes[at].fastest_ns()) / plain);
      const double unlocked = static_cast<double>(plain_ns(free, probe.batch, choice)) * contention;
      const std::int64_t with_lock = plain_ns(locked, probe.batch, choice);
      if (static_cast<double>(with_lock) <= contrast * unlocked) continue;
      contrast = static_cast<double>(with_lock) / unlocked;
      share = alone || beyond_noise(probe.measured_ns, processes[at].measured_ns)
                  ? locked_share(probe.fastest_ns(), std::llround(unlocked), with_lock)
                  : 0;
    }
    return share;
  }

  const Question& question_;
  Trials& trials_;
  std::vector<std::string>& notes_;
  model::Demand& callback_;
  Profile profile_;
};

}  // namespace

FirstRuns first_runs(const Question& question, Trials& trials, Records* records, const std::function<void(FirstRuns&)>& choose) {
  if (auto known = records != nullptr ? records->first_runs() : std::nullopt) {
    known->profile.inputs = question.inputs;
    return std::move(*known);
  }
  FirstRuns first;
  first.callback = question.callback;
  first.profile = Profiling(question, trials, first.notes, first.callback).run();
  choose(first);
  if (records != nullptr) records->keep(first);
  return first;
}

}  // namespace harness::recommend
