#include "harness/core/trace.h"

#include <algorithm>
#include <cassert>

namespace harness {

std::int64_t makespan_ns(const Trace& trace) {
  assert(!trace.tasks.empty());
  std::int64_t first = trace.tasks.front().submitted_ns;
  std::int64_t last = trace.tasks.front().finished_ns;
  for (const TaskTrace& task : trace.tasks) {
    first = std::min(first, task.submitted_ns);
    last = std::max({last, task.finished_ns, task.callback_finished_ns});  // kNoStamp is less than every stamp
  }
  return last - first;
}

}  // namespace harness
