#include "harness/core/sojourns.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "harness/base/quantity.h"
#include "harness/model/arrivals.h"

namespace harness {
namespace {

std::vector<std::int64_t> release_lags(const Trace& trace) {
  std::vector<std::int64_t> lags;
  lags.reserve(trace.tasks.size());
  for (const TaskTrace& task : trace.tasks) lags.push_back(task.submitted_ns - task.due_ns);
  return lags;
}

std::int64_t most_waiting(const Trace& trace) {
  std::vector<std::pair<std::int64_t, int>>
      edges;  // instant, +1 or -1: who begins at an instant does not wait with who comes then
  edges.reserve(2 * trace.tasks.size());
  for (const TaskTrace& task : trace.tasks) {
    if (task.rejected || task.started_ns <= task.submitted_ns) continue;
    edges.emplace_back(task.submitted_ns, 1);
    edges.emplace_back(task.started_ns, -1);
  }
  std::sort(edges.begin(), edges.end());
  std::int64_t waiting = 0;
  std::int64_t most = 0;
  for (const auto& [at, change] : edges) most = std::max(most, waiting += change);
  return most;
}

}  // namespace

bool has_arrivals(const Trace& trace) { return !trace.tasks.empty() && trace.tasks.front().arrived_ns != kNoStamp; }

std::size_t first_counted(std::size_t tasks) { return tasks / 10; }

std::vector<std::int64_t> sojourns_ns(const Trace& trace) {
  std::vector<std::int64_t> sojourns;
  sojourns.reserve(trace.tasks.size());
  for (const TaskTrace& task : trace.tasks) sojourns.push_back(task.rejected ? kNoStamp : task.ended_ns() - task.arrived_ns);
  return sojourns;
}

std::int64_t nearest_rank(std::vector<std::int64_t>& values, std::size_t permille) {
  if (values.empty()) return 0;
  if (!std::is_sorted(values.begin(), values.end())) std::sort(values.begin(), values.end());
  return model::nearest_rank(values, static_cast<double>(permille) / 1000);
}

std::int64_t late_by_deadline(std::span<const std::int64_t> sojourns_ns, std::int64_t deadline_ns) {
  if (deadline_ns == 0) return 0;
  return std::count_if(sojourns_ns.begin(), sojourns_ns.end(), [&](std::int64_t sojourn) { return sojourn > deadline_ns; });
}

ClientCounts counts_of_clients(std::span<const std::int64_t> sojourns_ns, std::int64_t deadline_ns) {
  return {.rejected = std::count(sojourns_ns.begin(), sojourns_ns.end(), model::kNever),
          .late_by_deadline = late_by_deadline(sojourns_ns, deadline_ns)};
}

void measure_arrivals(const Trace& trace, std::int64_t deadline_ns, Measures& measures) {
  const std::vector<std::int64_t> all = sojourns_ns(trace);
  std::vector<std::int64_t> counted;
  std::int64_t served = 0;
  double stayed_ns = 0;    // from the arrival
  double in_there_ns = 0;  // without what the generator was late
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == kNoStamp) continue;
    const TaskTrace& task = trace.tasks[i];
    ++served;
    stayed_ns += static_cast<double>(all[i]);
    in_there_ns += static_cast<double>(all[i] - (task.submitted_ns - task.due_ns));
    if (i >= first_counted(all.size())) counted.push_back(all[i]);
  }
  measures.rejected = static_cast<std::int64_t>(all.size()) - served;
  measures.late_by_deadline = late_by_deadline(all, deadline_ns);
  measures.sojourn_mean_ns = served > 0 ? std::llround(stayed_ns / static_cast<double>(served)) : 0;
  measures.sojourn_p50_ns = nearest_rank(counted, 500);
  measures.sojourn_p95_ns = nearest_rank(counted, 950);
  measures.sojourn_p99_ns = nearest_rank(counted, 990);
  measures.sojourn_p999_ns = nearest_rank(counted, 999);
  measures.sojourn_max_ns = nearest_rank(counted, 1000);

  std::vector<std::int64_t> lags = release_lags(trace);
  measures.release_lag_p99_ns = nearest_rank(lags, 990);
  measures.release_lag_max_ns = nearest_rank(lags, 1000);
  measures.queue_max = most_waiting(trace);

  const auto took_ns = static_cast<double>(makespan_ns(trace));
  measures.completed_per_s = took_ns > 0 ? static_cast<double>(served) * 1e9 / took_ns : 0;
  measures.clients_mean = took_ns > 0 ? in_there_ns / took_ns : 0;
}

std::int64_t most_release_lag_ns(const Cell& cell) {
  const auto sum = [](const std::vector<std::int64_t>& values) { return std::accumulate(values.begin(), values.end(), 0.0); };
  const double mean = (sum(cell.task_durations_ns) + sum(cell.callback_durations_ns)) / std::max(1, cell.tasks);
  return std::max<std::int64_t>(kMs, static_cast<std::int64_t>(mean / 10));
}

std::string late_releases(const Trace& trace, const Cell& cell) {
  if (!has_arrivals(trace)) return {};
  std::vector<std::int64_t> lags = release_lags(trace);
  const std::int64_t lag = nearest_rank(lags, 990);
  const std::int64_t most = most_release_lag_ns(cell) + trace.resources.cgroup_throttled_ns;
  if (lag <= most) return {};
  return fmt::format("{}: 1 % of them more than {} after their arrivals; allowed: {}", kReleasedLate, human_ns(lag),
                     human_ns(most));
}

}  // namespace harness
