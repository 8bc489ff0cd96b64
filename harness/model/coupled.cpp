#include "harness/model/coupled.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

namespace harness::model {

Prediction simulate_coupled(const Case& c) {
  using Event = std::pair<std::int64_t, std::size_t>;  // (time, task or worker): ties by number
  const std::size_t n = c.tasks.size();
  const std::size_t slots = static_cast<std::size_t>(c.workers) + 1;
  const bool callbacks = has_callbacks(c.strategy);
  Prediction prediction;
  prediction.tasks.resize(n);

  std::priority_queue<Event, std::vector<Event>, std::greater<>> idle;     // when a worker is or becomes free
  std::priority_queue<Event, std::vector<Event>, std::greater<>> results;  // when a task's result arrives
  const std::size_t workers = std::min(static_cast<std::size_t>(c.workers), n);
  for (std::size_t w = 0; w < workers; ++w) idle.emplace(0, w);
  std::deque<std::pair<std::size_t, std::int64_t>> queue;  // (task, since when in the queue)
  std::size_t next = 0;

  // Workers take queued jobs as they become free; only jobs that can start before `until` are decided.
  const auto start_jobs = [&](std::int64_t until) {
    while (!queue.empty()) {
      const auto [task, queued] = queue.front();
      const auto [free, worker] = idle.top();
      const std::int64_t taken = std::max(free, queued);
      if (taken > until) return;
      queue.pop_front();
      idle.pop();
      TaskTimes& times = prediction.tasks[task];
      times.worker = static_cast<int>(worker);
      times.start_ns = taken + c.overheads.dispatch_ns;
      times.finish_ns = times.start_ns + c.tasks[task].service_ns();
      idle.emplace(times.finish_ns, worker);
      results.emplace(times.finish_ns, task);
    }
  };

  const std::vector<std::int64_t> submitted = c.arrivals_ns.empty() ? std::vector<std::int64_t>(n, 0) : c.arrivals_ns;
  constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();
  std::int64_t now = 0;  // the manager's clock
  for (std::size_t done = 0; done < n;) {
    for (; next < n && queue.size() < slots && submitted[next] <= now; ++next) queue.emplace_back(next, now);
    start_jobs(now);
    // A submit wakes the manager as a result does, and it fills what has become free.
    const auto later = std::upper_bound(submitted.begin(), submitted.end(), now);
    const std::int64_t wake = later == submitted.end() ? kEnd : *later;
    const auto next_result = [&] { return results.empty() ? kEnd : results.top().first; };
    while (!queue.empty() && std::max(idle.top().first, queue.front().second) <= std::min(wake, next_result())) {
      start_jobs(std::max(idle.top().first, queue.front().second));
    }
    if (wake < next_result()) {
      now = wake;
      continue;
    }
    now = std::max(now, results.top().first);
    start_jobs(now);  // jobs taken from the queue while the manager waited may themselves be finished
    const std::size_t task = results.top().second;
    results.pop();
    ++done;
    TaskTimes& times = prediction.tasks[task];
    prediction.makespan_ns = std::max(prediction.makespan_ns, times.finish_ns);
    if (callbacks) {
      times.callback_start_ns = now;
      now += c.callbacks[task].service_ns();
      times.callback_finish_ns = now;
      prediction.makespan_ns = std::max(prediction.makespan_ns, now);
    }
    start_jobs(now);  // before the refill: these freed their slots during the callback
  }
  return prediction;
}

}  // namespace harness::model
