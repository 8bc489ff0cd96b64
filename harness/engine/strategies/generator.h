#pragma once

// The generator of arrivals: when the next task is to be released, and how long to wait until then. It follows the clock and no answer: a task that
// could not be released in time is released at once, and those behind it keep their own times.
//
// One thread, that which submits.

#include <sched.h>

#include <cstddef>
#include <cstdint>

#include "harness/core/cell.h"

namespace harness {

// While it lives its thread comes before all ordinary threads, where the system allows that (root, or a limit of 1 and more by `ulimit -r`):
// SCHED_FIFO at its lowest. Clients are not served by whoever serves the others, and do not wait for a core in order to come. Threads and
// processes that are made meanwhile do not inherit it.
class Precedence {
 public:
  explicit Precedence(bool wanted) noexcept;
  ~Precedence();
  Precedence(const Precedence&) = delete;
  Precedence& operator=(const Precedence&) = delete;

 private:
  bool taken_ = false;
  int policy_ = SCHED_OTHER;  // before
  sched_param parameters_{};
};

class Generator {
 public:
  // `cell` outlives it. Its thread has precedence until it is destroyed, unless it may have to run tasks itself (caller_runs).
  explicit Generator(const Cell& cell) : cell_(cell), precedence_(cell.when_full != "caller_runs") {}

  struct Release {
    std::int64_t arrived_ns = 0;  // the intended arrival, CLOCK_MONOTONIC
    std::int64_t due_ns =
        0;  // the same, or when a submit returned that was held by a full queue (block, caller_runs), if that was later
  };

  // Sleeps until the task arrives; not at all if it has. Task 0 arrives a moment after the first call: kLead and what cell.arrivals_ns says.
  // REQUIRES: index 0, 1, 2, ... in turn; called when the submit before has returned.
  Release await(std::size_t index) noexcept;

 private:
  static constexpr std::int64_t kLead = 1'000'000;

  const Cell& cell_;
  std::int64_t origin_ns_ = 0;
  Precedence precedence_;
};

}  // namespace harness
