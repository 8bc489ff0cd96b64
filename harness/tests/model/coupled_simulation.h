#pragma once

// Coupled dispatch again, as a clock that ticks 1 ns at a time: workers take from a queue of k+1 slots whenever they are
// free; one manager fills the queue, deals with one result, fills the queue, ... Shares no code with harness/model but
// the Case. Durations of a few ns.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "harness/model/case.h"

namespace harness::model::testing {

inline Prediction coupled_by_ticks(const Case& c) {
  struct Worker {
    int task = -1;
    std::int64_t until = 0;
  };
  const auto n = static_cast<int>(c.tasks.size());
  Prediction prediction;
  prediction.tasks.resize(c.tasks.size());
  std::vector<Worker> workers(static_cast<std::size_t>(c.workers));
  std::deque<int> queue;
  std::vector<std::pair<std::int64_t, int>> results;  // (when, task), not dealt with
  int next = 0;
  int dealt_with = 0;
  int in_callback = -1;
  std::int64_t callback_until = 0;
  bool filled = false;  // since the last result

  const auto time_of = [&prediction](int task) -> TaskTimes& { return prediction.tasks[static_cast<std::size_t>(task)]; };
  for (std::int64_t now = 0; dealt_with < n; ++now) {
    for (bool changed = true; changed;) {
      changed = false;
      for (Worker& worker : workers) {
        if (worker.task >= 0 && worker.until == now) {
          time_of(worker.task).finish_ns = now;
          results.emplace_back(now, worker.task);
          worker.task = -1;
          changed = true;
        }
      }
      for (Worker& worker : workers) {
        if (worker.task >= 0 || queue.empty()) continue;
        worker.task = queue.front();
        queue.pop_front();
        time_of(worker.task).start_ns = now + c.overheads.dispatch_ns;
        worker.until = now + c.overheads.dispatch_ns + c.tasks[static_cast<std::size_t>(worker.task)].service_ns();
        changed = true;
      }
      if (changed) continue;  // the manager acts when the workers have done what they can at this instant
      if (in_callback >= 0 && callback_until == now) {
        if (has_callbacks(c.strategy)) time_of(in_callback).callback_finish_ns = now;
        prediction.makespan_ns = std::max(prediction.makespan_ns, now);
        in_callback = -1;
        filled = false;
        ++dealt_with;
        changed = true;
      } else if (in_callback < 0 && !filled) {
        while (next < n && static_cast<int>(queue.size()) < c.workers + 1) queue.push_back(next++);
        filled = true;
        changed = true;
      } else if (in_callback < 0 && !results.empty()) {
        const auto first = std::min_element(results.begin(), results.end());
        in_callback = first->second;
        results.erase(first);
        callback_until = now;
        if (has_callbacks(c.strategy)) {
          time_of(in_callback).callback_start_ns = now;
          callback_until += c.callbacks[static_cast<std::size_t>(in_callback)].service_ns();
        }
        changed = true;
      }
    }
  }
  return prediction;
}

}  // namespace harness::model::testing
