#include "harness/sweep/loop_costs.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/base/quantity.h"
#include "harness/model/statistics.h"
#include "harness/plan/cell_builder.h"

namespace harness {
namespace {

constexpr int kRepetitions = 5;
constexpr std::int64_t kMany = 512;
constexpr std::int64_t kWait = 5 * kMs;       // longer than 512 submits take
constexpr std::chrono::seconds kPatience{2};  // a loop takes some 10 ms

std::optional<std::int64_t> later_than_asked(CellRunner& runner, Factors factors, std::int64_t tasks) {
  const Cell cell = CellBuilder(std::move(factors))
                        .durations(std::vector<std::int64_t>(static_cast<std::size_t>(tasks), kWait),
                                   std::vector<std::int64_t>(static_cast<std::size_t>(tasks), 0))
                        .seeded_by(1)
                        .build();
  std::vector<std::int64_t> late;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const RepetitionResult result = runner.run(cell, kPatience);
    if (result.interrupted || result.sample.status != "ok") return std::nullopt;
    late.push_back(result.sample.makespan_ns - kWait);
  }
  return std::max<std::int64_t>(0, model::median(std::move(late)));
}

}  // namespace

std::optional<workloads::Calibration::Loop> measure_loop(CellRunner& runner, const std::string& backend, int workers, int cores) {
  Factors factors;
  factors.backend = backend;
  factors.workers = workers;
  factors.workers_spec = std::to_string(workers);
  factors.cores = cores;
  factors.workload = "sleep";
  factors.strategy = "none";
  const std::optional<std::int64_t> one = later_than_asked(runner, factors, 1);
  const std::optional<std::int64_t> many = one ? later_than_asked(runner, factors, kMany) : std::nullopt;
  if (!many) return std::nullopt;
  const std::int64_t taken_up = (kMany + workers - 1) / workers;  // by each thread
  workloads::Calibration::Loop loop;
  loop.dispatch_ns = std::max<std::int64_t>(0, (*many - *one) / std::max<std::int64_t>(1, taken_up - 1));
  loop.wake_ns = std::max<std::int64_t>(0, *one - loop.dispatch_ns);
  return loop;
}

}  // namespace harness
