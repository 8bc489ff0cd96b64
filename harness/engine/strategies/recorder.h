#pragma once

// Where a strategy writes what happened, while the clock runs: one slot per task, allocated beforehand, and the gate
// that opens when the last callback has run.
//
// Thread safety: submitting(), releasing(), rejected() and submitted_all() belong to the submitting thread; a task's other slots are written by
// whoever ran it or its callback, each once; wait() and take() come after all of them (the gate orders them).

#include <cstddef>
#include <cstdint>
#include <exception>
#include <latch>
#include <mutex>
#include <span>
#include <vector>

#include "harness/core/trace.h"
#include "harness/engine/prepared_cell.h"
#include "harness/engine/strategies/generator.h"
#include "workloads/work.h"

namespace harness {

class Recorder {
 public:
  // Allocates everything. `prepared` must outlive the recorder. REQUIRES: called by the thread that will submit.
  explicit Recorder(const PreparedCell& prepared);

  const Cell& cell() const { return prepared_.cell; }
  int tasks() const { return prepared_.cell.tasks; }
  std::span<const workloads::Work> works() const { return prepared_.tasks; }
  const workloads::Work& task(int index) const { return prepared_.tasks[static_cast<std::size_t>(index)]; }
  const workloads::Work& callback(int index) const { return prepared_.callbacks[static_cast<std::size_t>(index)]; }

  // Immediately before a task's submit (of a call that submits them all, before the call), and after the last one has
  // returned.
  void submitting(int index) noexcept;
  void submitting_all() noexcept;
  // Of a task that arrives, instead: as the generator has it.
  void releasing(int index, const Generator::Release& release) noexcept;
  // The submit was refused: nothing else will be recorded of the task. Counts as delivered.
  void rejected(int index) noexcept;
  void submitted_all() noexcept;

  void task_ran(int index, const workloads::Outcome& outcome) noexcept;
  void callback_ran(int index, const workloads::Outcome& outcome) noexcept;

  // Runs the callback of a finished task on the calling thread.
  void parse(int index, const workloads::Outcome& task_outcome);

  // The same as a done callback, and opens the gate by one. A task or callback that failed is remembered for wait().
  template <class FutureOfOutcome>
  void deliver(int index, FutureOfOutcome& done) noexcept {
    try {
      const workloads::Outcome& outcome = done.result();
      task_ran(index, outcome);
      parse(index, outcome);
    } catch (...) {
      fail(std::current_exception());
    }
    gate_.count_down();
  }

  // Returns when every task has been delivered; rethrows the first failure.
  void wait();

  // What was recorded. REQUIRES: every task, and every callback where there are any, has been recorded.
  Trace take() &&;

 private:
  void fail(std::exception_ptr error) noexcept;

  const PreparedCell& prepared_;
  Trace trace_;
  std::latch gate_;
  std::mutex mutex_;
  std::exception_ptr first_error_;  // guarded by mutex_
};

}  // namespace harness
