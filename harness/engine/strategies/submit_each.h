#pragma once

// Submits every task of a cell and keeps the futures: the opening of all strategies that look at results afterwards.
// And the end of those in which the caller has nothing to do but wait for all of them.

#include <cstddef>
#include <vector>

#include "harness/engine/strategies/recorder.h"

namespace harness {

// `submit(i)` submits task i and returns its future. The futures come back in submission order.
template <class Submit>
auto submit_each(Recorder& recorder, Submit submit) {
  std::vector<decltype(submit(0))> futures;
  futures.reserve(static_cast<std::size_t>(recorder.tasks()));  // before the clock: below, only the pool allocates
  for (int task = 0; task < recorder.tasks(); ++task) {
    recorder.submitting(task);
    futures.push_back(submit(task));
  }
  recorder.submitted_all();
  return futures;
}

// Calls visit(i, result) for every task when it has finished. Last task first: the caller, which does none of the work,
// then wakes a few times instead of once per task.
template <class Futures, class Visit>
void await_each(Futures& futures, Visit visit) {
  for (std::size_t task = futures.size(); task-- > 0;) visit(static_cast<int>(task), futures[task].result());
}

}  // namespace harness
