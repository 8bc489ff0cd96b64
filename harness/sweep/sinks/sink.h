#pragma once

// Where the results of a sweep go. Called between repetitions only, never while one is being measured, always from the
// sweep's thread.

#include <chrono>
#include <optional>
#include <vector>

#include "harness/core/sample.h"
#include "harness/core/trace.h"
#include "harness/plan/plan.h"

namespace harness {

// What a sink may tell about a sweep under way.
struct SweepState {
  int steps = 0;  // repetitions to run
  int done = 0;
  int failed = 0;
  std::chrono::nanoseconds elapsed{0};
  std::chrono::nanoseconds remaining{0};  // estimate
};

class Sink {
 public:
  virtual ~Sink() = default;
  // The digests of `cell` are about to be checked: the done-th of `cells`.
  virtual void checking(const Cell& /*cell*/, int /*done*/, int /*cells*/) {}
  // A repetition of `cell` is about to start.
  virtual void starting(const Cell& /*cell*/, const SweepState& /*state*/) {}
  // A row, complete. `trace` is nullptr unless the repetition left one. Throws OutputError when it cannot be kept.
  virtual void row(const Cell& /*cell*/, const Sample& /*sample*/, const Trace* /*trace*/) {}
  virtual void finished(const SweepState& /*state*/) {}
};

// Not owned; called in this order.
using Sinks = std::vector<Sink*>;

}  // namespace harness
