#include "harness/model/arrivals.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "harness/model/wide.h"

namespace harness::model {

std::size_t tasks_per_job(const Case& c) {
  if (c.strategy != Strategy::map) return 1;
  return static_cast<std::size_t>(std::min<std::int64_t>(c.chunksize, static_cast<std::int64_t>(c.tasks.size())));
}

std::vector<std::int64_t> submitted_ns(const Case& c) {
  const std::size_t n = c.tasks.size();
  const std::size_t chunk = tasks_per_job(c);
  std::vector<std::int64_t> submitted((n + chunk - 1) / chunk);
  std::int64_t before = 0;
  for (std::size_t job = 0; job < submitted.size(); ++job) {
    const std::int64_t arrival = c.arrivals_ns.empty() ? 0 : c.arrivals_ns[job];
    submitted[job] = before = std::max(arrival, before) + c.overheads.submit_ns;
  }
  return submitted;
}

std::vector<std::int64_t> arrived_ns(const Case& c) {
  std::vector<std::int64_t> arrived = submitted_ns(c);
  if (!c.hop.any()) return arrived;
  const std::size_t n = c.tasks.size();
  const std::size_t chunk = tasks_per_job(c);
  std::int64_t link_free = 0;
  for (std::size_t job = 0; job < arrived.size(); ++job) {
    const auto tasks = static_cast<std::int64_t>(std::min(n, (job + 1) * chunk) - job * chunk);
    link_free = std::max(link_free, arrived[job]) + tasks * c.hop.request_ns;
    arrived[job] = link_free + c.hop.latency_ns;
  }
  return arrived;
}

std::vector<std::int64_t> sojourns_ns(const Case& c, const Prediction& prediction) {
  std::vector<std::int64_t> sojourns;
  sojourns.reserve(prediction.tasks.size());
  for (std::size_t i = 0; i < prediction.tasks.size(); ++i) {
    const TaskTimes& times = prediction.tasks[i];
    if (times.rejected()) {
      sojourns.push_back(kNever);
      continue;
    }
    const std::int64_t end = times.callback_finish_ns == kNever ? times.finish_ns : times.callback_finish_ns;
    sojourns.push_back(end - (c.arrivals_ns.empty() ? 0 : c.arrivals_ns[i]));
  }
  return sojourns;
}

std::int64_t nearest_rank(const std::vector<std::int64_t>& sorted, double q) {
  assert(!sorted.empty() && q > 0 && q <= 1);
  // 0.99 is a little more than 99/100 in binary: that is not to make the 100th of 100 of it.
  constexpr double kRounding = 1e-9;
  const double rank = std::ceil(q * static_cast<double>(sorted.size()) - kRounding);
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

SojournSummary summarise_sojourns(const Case& c, const Prediction& prediction) {
  return summarise_sojourns(sojourns_ns(c, prediction));
}

SojournSummary summarise_sojourns(std::vector<std::int64_t> sojourns_ns) {
  std::erase(sojourns_ns, kNever);
  assert(!sojourns_ns.empty());
  std::sort(sojourns_ns.begin(), sojourns_ns.end());
  Wide sum = 0;
  for (const std::int64_t sojourn : sojourns_ns) sum += sojourn;
  const auto n = static_cast<Wide>(sojourns_ns.size());
  return {static_cast<std::int64_t>((sum + n / 2) / n),
          nearest_rank(sojourns_ns, 0.50),
          nearest_rank(sojourns_ns, 0.95),
          nearest_rank(sojourns_ns, 0.99),
          sojourns_ns.back(),
          nearest_rank(sojourns_ns, 0.999)};
}

}  // namespace harness::model
