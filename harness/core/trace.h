#pragma once

// What one repetition of a cell leaves: a stamp per event per task, all from CLOCK_MONOTONIC, and what the run cost.
// The common currency between backends (ours, other libraries', other languages') and everything that looks at results.

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace harness {

// Invariant per task: submitted <= started <= finished <= callback_started <= callback_finished (the last two only when
// there is a callback; kNoStamp otherwise). Where tasks arrive, arrived <= due <= submitted besides, else both are kNoStamp; of a task that was
// rejected there are these three and no others.
inline constexpr std::int64_t kNoStamp = -1;

// Who ran something. Threads of two machines may have the same numbers.
struct Thread {
  std::uint64_t host = 0;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the defaulted operator for a null pointer
  friend auto operator<=>(const Thread&, const Thread&) = default;
};

struct TaskTrace {
  std::int64_t submitted_ns = kNoStamp;  // absolute CLOCK_MONOTONIC
  std::int64_t started_ns = kNoStamp;
  std::int64_t finished_ns = kNoStamp;  // the task's own end: without its callback, in `fused` too
  std::int64_t callback_started_ns = kNoStamp;
  std::int64_t callback_finished_ns = kNoStamp;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::int32_t callback_pid = 0;
  std::int32_t callback_tid = 0;
  std::int64_t cpu_ns = 0;  // of the task
  std::int64_t callback_cpu_ns = 0;
  std::uint64_t digest = 0;  // of the task
  std::uint64_t callback_digest = 0;
  // Where it ran: 0 on this machine, else a number of that host's, the same for all that ran there.
  std::uint64_t host = 0;
  std::uint64_t callback_host = 0;
  std::int64_t answered_ns = kNoStamp;  // of a task on another host: by then its answer was here

  std::int64_t arrived_ns = kNoStamp;  // the intended arrival
  std::int64_t due_ns = kNoStamp;      // when it could be released: its arrival, or later if a full queue held who releases
  bool rejected = false;               // the queue was full

  std::int64_t delayed_ns = 0;           // of the task: workloads::Outcome
  std::int64_t callback_delayed_ns = 0;  // of the callback

  Thread thread() const { return {host, pid, tid}; }
  Thread callback_thread() const { return {callback_host, callback_pid, callback_tid}; }
  // Its callback's, without one its own. REQUIRES: not rejected.
  std::int64_t ended_ns() const { return callback_finished_ns == kNoStamp ? finished_ns : callback_finished_ns; }

  template <class Archive>
  void serialize(Archive& a) {
    a(submitted_ns, started_ns, finished_ns, callback_started_ns, callback_finished_ns, pid, tid, callback_pid, callback_tid,
      cpu_ns, callback_cpu_ns, delayed_ns, callback_delayed_ns, digest, callback_digest, host, callback_host, answered_ns,
      arrived_ns, due_ns, rejected);
  }
};

// How far the clock of a host was ahead of this one's, right but for the bound: its CLOCK_MONOTONIC. Negative: behind.
struct HostClock {
  std::string host;
  std::int64_t offset_ns = 0;
  std::int64_t bound_ns = 0;
  std::int64_t round_trip_ns = 0;  // of the exchange of stamps that says so

  template <class Archive>
  void serialize(Archive& a) {
    a(host, offset_ns, bound_ns, round_trip_ns);
  }
};

// Resources of the repetition: the process that ran it and its worker and parser processes.
struct ResourceUse {
  std::int64_t cpu_user_ns = 0;
  std::int64_t cpu_sys_ns = 0;
  std::int64_t main_cpu_ns = 0;  // CPU time of the main process alone
  std::int64_t ctx_switches_voluntary = 0;
  std::int64_t ctx_switches_involuntary = 0;
  std::int64_t rss_peak_bytes = 0;
  std::int64_t cgroup_throttled_ns = 0;

  template <class Archive>
  void serialize(Archive& a) {
    a(cpu_user_ns, cpu_sys_ns, main_cpu_ns, ctx_switches_voluntary, ctx_switches_involuntary, rss_peak_bytes,
      cgroup_throttled_ns);
  }
};

struct Trace {
  std::vector<TaskTrace> tasks;    // submission order
  std::int64_t pool_start_ns = 0;  // until every worker was ready, before the clock ran
  std::int64_t submit_ns = 0;      // from the first submit to the return of the last
  std::int64_t pool_stop_ns = 0;
  std::int32_t main_pid = 0;       // the process that submitted
  std::int32_t submitter_tid = 0;  // the thread that submitted
  ResourceUse resources;
  std::vector<HostClock> clocks = {};  // of the hosts that workers were on

  Thread submitter() const { return {0, main_pid, submitter_tid}; }

  template <class Archive>
  void serialize(Archive& a) {
    a(tasks, pool_start_ns, submit_ns, pool_stop_ns, main_pid, submitter_tid, resources, clocks);
  }
};

// First submit, where tasks arrive first arrival, to the end of the last task or callback, whichever is later. REQUIRES: at least one task.
std::int64_t makespan_ns(const Trace& trace);

}  // namespace harness
