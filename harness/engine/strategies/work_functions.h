#pragma once

// The functions that pools are given to run, on threads and in worker processes alike. They are named as template
// arguments (submit<&run_task>(work)), so they are ordinary functions with external linkage, and what they share, the
// run's context, is process-wide: each worker process gets its own copy once, at start.

#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <cstdint>

#include "workloads/work.h"

namespace harness {

// Makes this process ready to run works: takes the context and, since how precisely a thread sleeps is part of what is
// measured, lowers the timer slack of the calling thread, and with it of all threads and processes it starts later,
// from 50 us to 1 ns. Called before any work runs; not thread-safe.
void enter_measured_process(const workloads::RunContext& context);

// From now on outcomes of this process say that they are of that machine. 0, at first: none in particular. Not thread-safe.
void enter_host(std::uint64_t host);
std::uint64_t process_host();

// The context given last. Constant while works run; any thread.
const workloads::RunContext& process_context();

struct TaskAndCallback {
  workloads::Outcome task;      // without its body
  workloads::Outcome callback;  // likewise

  template <class Archive>
  void serialize(Archive& archive) {
    archive(task, callback);
  }
};

// A result on its way to a parser process, with what is to be done to it.
struct Handover {
  workloads::Outcome task;
  workloads::Work callback;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(task, callback.kind, callback.resource, callback.wait_ns, callback.compute_units, callback.bytes, callback.seed);
  }
};

// A result that says which task it is of: completion order loses that.
struct NumberedOutcome {
  std::int32_t task = 0;
  workloads::Outcome outcome;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(task, outcome);
  }
};

workloads::Outcome run_task(workloads::Work task);
NumberedOutcome run_numbered_task(workloads::Work task, std::int32_t number);

// The callback is part of the task.
TaskAndCallback run_fused(workloads::Work task, workloads::Work callback);

// The callback is a second call, after the task, in the same worker.
TaskAndCallback run_task_then_callback(workloads::Work task, workloads::Work callback);

// A task whose result goes to a parser process, and what the parser does.
Handover run_task_to_hand_over(workloads::Work task, workloads::Work callback);
TaskAndCallback parse_handed_over(Handover handover);

}  // namespace harness
