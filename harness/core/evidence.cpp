#include "harness/core/evidence.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"

namespace harness {
namespace {

using Edge = std::pair<std::int64_t, int>;  // instant, +1 or -1

// Ends before starts at the same instant: what follows at once does not overlap.
void sort_edges(std::vector<Edge>& edges) { std::sort(edges.begin(), edges.end()); }

}  // namespace

Evidence evidence_of(const Trace& trace) {
  Evidence evidence;
  std::set<Thread> workers;
  std::vector<Edge> tasks;
  for (const TaskTrace& task : trace.tasks) {
    workers.insert(task.thread());
    if (task.finished_ns > task.started_ns) {
      tasks.emplace_back(task.started_ns, 1);
      tasks.emplace_back(task.finished_ns, -1);
    }
  }
  evidence.workers = static_cast<std::int64_t>(workers.size());
  sort_edges(tasks);
  std::int64_t under_way = 0;
  for (const auto& [at, change] : tasks) {
    under_way += change;
    evidence.tasks_at_once = std::max(evidence.tasks_at_once, under_way);
  }

  std::set<Thread> callers;
  std::vector<Edge> callbacks;
  for (const TaskTrace& task : trace.tasks) {
    if (task.callback_started_ns == kNoStamp) continue;
    ++evidence.callbacks;
    const Thread caller = task.callback_thread();
    const std::int64_t took = task.callback_finished_ns - task.callback_started_ns;
    callers.insert(caller);
    callbacks.emplace_back(task.callback_started_ns, 1);
    callbacks.emplace_back(task.callback_finished_ns, -1);
    if (caller == trace.submitter()) {
      evidence.submitter_ns += took;
    } else if (caller == task.thread()) {
      evidence.own_worker_ns += took;
    } else if (workers.contains(caller)) {
      evidence.other_worker_ns += took;
    } else if (caller.host == 0 && caller.pid == trace.main_pid) {
      evidence.main_ns += took;
    } else {
      evidence.elsewhere_ns += took;
    }
  }
  evidence.callback_threads = static_cast<std::int64_t>(callers.size());
  sort_edges(callbacks);
  std::int64_t before = 0;
  std::int64_t at_once = 0;
  for (const auto& [at, change] : callbacks) {
    if (at_once > 1) evidence.overlap_ns += (at_once - 1) * (at - before);
    at_once += change;
    before = at;
  }
  return evidence;
}

std::string callbacks_text(const Evidence& evidence) {
  if (evidence.callbacks == 0) return {};
  std::string shares;
  const auto share = [&shares](std::int64_t ns, const char* who) {
    if (ns == 0) return;
    shares += fmt::format("{}{} {}", shares.empty() ? "" : ", ", human_duration(std::chrono::nanoseconds(ns)), who);
  };
  share(evidence.own_worker_ns, "on the worker that ran the task");
  share(evidence.other_worker_ns, "on another worker");
  share(evidence.submitter_ns, "on the submitting thread");
  share(evidence.main_ns, "on another thread of the main process");
  share(evidence.elsewhere_ns, "in other processes");
  return fmt::format("{} callbacks by {} thread{}: {}", evidence.callbacks, evidence.callback_threads,
                     evidence.callback_threads == 1 ? "" : "s", shares);
}

}  // namespace harness
