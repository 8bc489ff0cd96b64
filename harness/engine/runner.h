#pragma once

// Cell -> Sample. A CellRunner runs one repetition of one cell, isolated; nothing that happens in there (a crash, a hang,
// a bad_alloc) ends the sweep: it becomes a status.
//
// Thread safety: one call at a time. `interrupt` may be called from any thread and from a signal handler.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "harness/core/cell.h"
#include "harness/core/sample.h"
#include "harness/core/trace.h"

namespace harness {

struct RepetitionResult {
  Sample sample;               // factors, times, resources, status and error; identity is filled in by the sweep
  std::optional<Trace> trace;  // when the status is ok
  bool interrupted = false;    // the repetition was cut off by interrupt(): not a result, not to be stored
};

class CellRunner {
 public:
  virtual ~CellRunner() = default;

  // Runs the cell once, within `timeout` of wall time (a deadline that kills).
  virtual RepetitionResult run(const Cell& cell, std::chrono::nanoseconds timeout) = 0;

  // Before anything of a sweep is timed: each distinct Work of the cell, with wait = 0, on the cell's backend against
  // `inline`. Returns an empty string or one line that says which digest differed or what failed. Work of the user's own is not checked: what it
  // has to give is not known.
  virtual std::string check_digests(const Cell& cell, std::chrono::nanoseconds timeout) = 0;

  // Kills what is running and makes the pending run() return with interrupted = true. Async-signal-safe.
  virtual void interrupt() noexcept = 0;
};

}  // namespace harness
