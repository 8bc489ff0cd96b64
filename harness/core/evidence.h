#pragma once

// Who ran what in one repetition, from the thread and process ids of its trace: what the rows of results.csv do not say.
//
// Thread safety: pure functions.

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "harness/core/trace.h"

namespace harness {

struct Evidence {
  std::int64_t callbacks = 0;
  // Callback time by who ran it; each callback counts in one of these. ns.
  std::int64_t own_worker_ns = 0;     // the thread (of a worker process: its only one) that ran the task
  std::int64_t other_worker_ns = 0;   // another thread that ran a task
  std::int64_t submitter_ns = 0;      // the submitting thread
  std::int64_t main_ns = 0;           // another thread of the main process, that ran no task
  std::int64_t elsewhere_ns = 0;      // another process
  std::int64_t overlap_ns = 0;        // time of callbacks beyond the first of those that run at once
  std::int64_t callback_threads = 0;  // that ran a callback
  std::int64_t workers = 0;           // threads that ran a task
  std::int64_t tasks_at_once = 0;     // the most that were under way at any instant

  std::int64_t in_main_process_ns() const { return submitter_ns + main_ns; }
};

Evidence evidence_of(const Trace& trace);

// By run_id, cell_id and repetition.
using EvidenceOf = std::map<std::tuple<std::string, std::string, std::int64_t>, Evidence>;

// "4 callbacks by 1 thread: 120 ms in the main process": who ran the callbacks, for people. Empty without callbacks.
std::string callbacks_text(const Evidence& evidence);

}  // namespace harness
