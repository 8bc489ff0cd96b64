#include "harness/core/trace.h"

#include <algorithm>
#include <cassert>

namespace harness {

std::int64_t makespan_ns(const Trace& trace) {
  assert(!trace.tasks.empty());
  const auto begin_of = [](const TaskTrace& task) { return task.arrived_ns == kNoStamp ? task.submitted_ns : task.arrived_ns; };
  std::int64_t first = begin_of(trace.tasks.front());
  std::int64_t last = first;
  for (const TaskTrace& task : trace.tasks) {
    first = std::min(first, begin_of(task));
    last = std::max({last, task.finished_ns, task.callback_finished_ns});  // kNoStamp is less than every stamp
  }
  return last - first;
}

}  // namespace harness
