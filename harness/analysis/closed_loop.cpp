#include "harness/analysis/closed_loop.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "harness/engine/strategies/strategy.h"
#include "harness/model/arrivals.h"
#include "harness/model/simulate.h"
#include "harness/plan/model_case.h"
#include "harness/sweep/sinks/task_rows.h"

namespace harness {
namespace {

// What a closed and an open cell of the same pool have in common; the number of tasks is not part of it.
std::string pool_and_work(const Factors& f) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}", f.backend, f.workers, f.cores, f.workload, f.strategy, f.distribution,
                     f.task_ns, has_callbacks(f.strategy) ? f.callback_ns : 0, f.payload_bytes);
}

bool only_the_worker_serves(const Factors& f) {
  return f.in_flight == 0 && (f.strategy == "none" || f.strategy == "worker" || f.strategy == "fused");
}

std::vector<std::int64_t> predicted_stays(const Cell& cell) {
  std::vector<std::int64_t> stays;
  for (const model::TaskTimes& times : model::simulate(requested_case(cell)).tasks) {
    stays.push_back((times.callback_finish_ns == model::kNever ? times.finish_ns : times.callback_finish_ns) - times.start_ns);
  }
  std::sort(stays.begin(), stays.end());
  return stays;
}

}  // namespace

std::vector<ClosedLoop> closed_loops(const Analysis& analysis, const std::filesystem::path& run_directory) {
  std::set<std::string> open;
  for (const CellSummary& summary : analysis.cells) {
    if (arrives(summary.factors) && !summary.ok.empty()) open.insert(pool_and_work(summary.factors));
  }
  // By cell and repetition of a run that counts.
  std::map<std::pair<std::string, std::int64_t>, std::string> run_of;
  std::map<std::string, std::vector<std::int64_t>, std::less<>> stays;
  for (const CellSummary& summary : analysis.cells) {
    const Factors& factors = summary.factors;
    if (arrives(factors) || !summary.cell || !only_the_worker_serves(factors) || !open.contains(pool_and_work(factors))) continue;
    for (const Row* const row : summary.ok) run_of[{row->kind->cell_id, row->rep}] = row->kind->run_id;
  }
  if (run_of.empty()) return {};
  read_task_rows(run_directory, [&](const TaskRow& row) {
    const auto counted = run_of.find({row.cell_id, row.rep});
    if (counted == run_of.end() || counted->second != row.run_id) return;
    stays[row.cell_id].push_back(row.trace.ended_ns() - row.trace.started_ns);
  });

  std::vector<ClosedLoop> loops;
  for (std::size_t i = 0; i < analysis.cells.size(); ++i) {
    const auto found = stays.find(analysis.cells[i].factors.cell_id);
    if (found == stays.end()) continue;
    std::vector<std::int64_t>& own = found->second;
    std::sort(own.begin(), own.end());
    const std::vector<std::int64_t> predicted = predicted_stays(*analysis.cells[i].cell);
    loops.push_back({.cell = i,
                     .clients = static_cast<std::int64_t>(own.size()),
                     .p50 = model::quantile(own, 0.50),
                     .p99 = model::quantile(own, 0.99),
                     .max_ns = own.back(),
                     .predicted_p50_ns = model::nearest_rank(predicted, 0.50),
                     .predicted_p99_ns = model::nearest_rank(predicted, 0.99)});
  }
  return loops;
}

}  // namespace harness
