#include "harness/analysis/latency.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "harness/base/quantity.h"
#include "harness/core/sojourns.h"

namespace harness {
namespace {

// 100 (L / (lambda W) - 1): L is counted from the releases, lambda and W from the intended arrivals.
std::optional<double> little_error_pct(const Measures& measures) {
  const double expected = measures.completed_per_s * static_cast<double>(measures.sojourn_mean_ns) / 1e9;
  if (expected <= 0) return std::nullopt;
  return 100 * (measures.clients_mean / expected - 1);
}

// What it says where L differs by so many per cent. A sojourn is longer than the time from release to end by how late the generator was,
// which is much of it where tasks take microseconds; no more than that is missing then.
std::string finding_of(double little_pct, const Measures& measures) {
  if (std::abs(little_pct) <= kLittleTolerancePct) return "";
  const double missing_ns = -little_pct / 100 * static_cast<double>(measures.sojourn_mean_ns);
  if (missing_ns > 0 && missing_ns <= static_cast<double>(measures.release_lag_p99_ns)) {
    return fmt::format(
        "the generator was {} late in the mean, {:.1f} % of a sojourn, which counts from the intended arrival: for tasks as short as these the "
        "percentiles are as much its own as the pool's",
        human_ns(missing_ns), -little_pct);
  }
  return fmt::format(
      "Little's law is off by {:.1f} %: there were fewer or more clients at a time than their rate times their stay, so that stamps or releases "
      "are not what they should be",
      little_pct);
}

void count_rows(const CellSummary& summary, Latency& latency) {
  std::vector<double> completed;
  for (const Row* const row : summary.ok) {
    const Measures& measures = row->measures;
    latency.arrived += summary.factors.tasks;
    latency.rejected += measures.rejected;
    latency.late_by_deadline += measures.late_by_deadline;
    latency.queue_max = std::max(latency.queue_max, measures.queue_max);
    latency.release_lag_p99_ns = std::max(latency.release_lag_p99_ns, measures.release_lag_p99_ns);
    completed.push_back(measures.completed_per_s);
    const std::optional<double> error = little_error_pct(measures);
    if (error && (!latency.little_pct || std::abs(*error) > std::abs(*latency.little_pct))) {
      latency.little_pct = error;
      latency.finding = finding_of(*error, measures);
    }
  }
  std::sort(completed.begin(), completed.end());
  latency.completed_per_s = completed[(completed.size() - 1) / 2];
}

// Of all its repetitions, sorted.
std::vector<std::int64_t> pooled_sojourns(const Analysis& analysis, const CellSummary& summary) {
  std::vector<std::int64_t> pooled;
  for (const Row* const row : summary.ok) {
    const auto found = analysis.sojourns.find({row->kind->run_id, row->kind->cell_id, row->rep});
    if (found == analysis.sojourns.end()) continue;
    const std::vector<std::int64_t>& all = found->second;
    for (std::size_t i = first_counted(all.size()); i < all.size(); ++i) {
      if (all[i] != kNoStamp) pooled.push_back(all[i]);
    }
  }
  std::sort(pooled.begin(), pooled.end());
  return pooled;
}

double offered_per_s(const Cell& cell) {
  const std::int64_t last = cell.arrivals_ns.empty() ? 0 : cell.arrivals_ns.back();
  return last > 0 ? static_cast<double>(cell.tasks) * 1e9 / static_cast<double>(last) : 0;
}

}  // namespace

std::vector<Latency> latencies(const Analysis& analysis) {
  std::vector<Latency> found;
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    const CellSummary& summary = analysis.cells[i];
    if (!arrives(summary.factors) || summary.ok.empty()) continue;
    Latency latency;
    latency.cell = i;
    count_rows(summary, latency);
    if (summary.cell) latency.offered_per_s = offered_per_s(*summary.cell);
    const std::vector<std::int64_t> pooled = pooled_sojourns(analysis, summary);
    latency.clients = static_cast<std::int64_t>(pooled.size());
    if (!pooled.empty()) {
      latency.p50 = model::quantile(pooled, 0.50);
      latency.p95 = model::quantile(pooled, 0.95);
      latency.p99 = model::quantile(pooled, 0.99);
      latency.p999 = model::quantile(pooled, 0.999);
      latency.max_ns = pooled.back();
    }
    found.push_back(std::move(latency));
  }
  return found;
}

}  // namespace harness
