#pragma once

// The one place from which strategies submit, all at once or as tasks arrive; what all strategies begin with that look at results afterwards; and
// the end of those in which the caller has nothing to do but wait for all of them.

#include <cstddef>
#include <utility>
#include <vector>

#include "harness/core/factors.h"
#include "harness/engine/strategies/generator.h"
#include "harness/engine/strategies/recorder.h"
#include "pools/errors.h"

namespace harness {

// `submit(i)` submits task i. In a batch each follows on the one before; tasks that arrive are submitted when they do, and one that finds a full
// queue and is refused is recorded as rejected.
template <class Submit>
void release_each(Recorder& recorder, Submit submit) {
  if (!arrives(recorder.cell())) {
    for (int task = 0; task < recorder.tasks(); ++task) {
      recorder.submitting(task);
      submit(task);
    }
  } else {
    Generator generator(recorder.cell());
    for (int task = 0; task < recorder.tasks(); ++task) {
      recorder.releasing(task, generator.await(static_cast<std::size_t>(task)));
      try {
        submit(task);
      } catch (const pools::QueueFullError&) {
        recorder.rejected(task);
      }
    }
  }
  recorder.submitted_all();
}

// What was submitted and not rejected, in submission order.
template <class Future>
struct Submitted {
  std::vector<Future> futures;
  std::vector<int> tasks;  // the number of each
};

// The same with a `submit` that returns the task's future.
template <class Submit>
auto submit_each(Recorder& recorder, Submit submit) {
  Submitted<decltype(submit(0))> submitted;
  const auto count = static_cast<std::size_t>(recorder.tasks());
  submitted.futures.reserve(count);  // before the clock: below, only the pool allocates
  submitted.tasks.reserve(count);
  release_each(recorder, [&](int task) {
    submitted.futures.push_back(submit(task));
    submitted.tasks.push_back(task);
  });
  return submitted;
}

// Calls visit(i, result) for every task when it has finished. Last task first: the caller, which does none of the work,
// then wakes a few times instead of once per task.
template <class Future, class Visit>
void await_each(Submitted<Future>& submitted, Visit visit) {
  for (std::size_t i = submitted.futures.size(); i-- > 0;) visit(submitted.tasks[i], submitted.futures[i].result());
}

}  // namespace harness
