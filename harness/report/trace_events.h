#pragma once

// Traced repetitions in Chrome's trace event format, as Perfetto and chrome://tracing open it.
//
// Per repetition there is a process "scheduling" and one per process that ran something. Their ids in the file are running numbers: two
// repetitions may have had the same pid, which stands in the names.
//   scheduling  the thread "submitter" with a slice per submit; the counters "queue length" (submitted, not started), "busy workers"
//               (threads that run a task or its callback, of those that ran any task) and "callbacks waiting"; the waits as async
//               events: "in the queue" from submit to start, "callback waits" from the task's end to its callback's start
//   processes   a thread per thread, with a slice per task and per callback. In `fused` the callback nests in its task. On a thread whose
//               tasks overlap (an event loop) they are async events, and so are callbacks that overlap, because slices of one track nest.
// An arrow leads from each submit to its task and on to its callback, as far as these are slices.
//
// Events are in order of time, enclosing slices first. ts and dur are microseconds, whole nanoseconds in their decimals.
//
// Thread safety: pure functions.

#include <string>
#include <vector>

#include "harness/sweep/sinks/task_rows.h"

namespace harness {

struct TracedRepetition {
  std::string name;            // "sleep: 8 x 10 ms; process, 4 workers, main; repetition 2"
  std::string strategy;        // of its cell
  std::vector<TaskRow> tasks;  // not empty
};

// One JSON document with its line end: {"displayTimeUnit": "ns", "otherData": {...}, "traceEvents": [...]}. All repetitions begin at 0.
std::string trace_events(const std::vector<TracedRepetition>& repetitions);

}  // namespace harness
