// IO-bound work: thread pools, and how many threads.

#include <fmt/core.h>

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kThreads = "2、当任务是IO密集型，应当使用线程池";
constexpr std::string_view kFive = "pool = ThreadPoolExecutor(4) # 这里参数是线程的个数，一般为计算机核数 * 5";

ClaimCell waiting(std::string_view backend, int workers, bool per_core) {
  return {.backend = backend,
          .workers = workers,
          .strategy = "none",
          .tasks_ms = times(40, 25),
          .callbacks_ms = times(40, 0),
          .per_core = per_core};
}

std::int64_t total(const model::Case& c) {
  std::int64_t sum = 0;
  for (const model::Demand& task : c.tasks) sum += task.service_ns();
  return sum;
}

// The formula of a pool size, where tasks only wait: n*t / k.
model::ClosedForm waits_over_workers(const model::Case& c) {
  const std::int64_t value = total(c) / c.workers;
  const std::int64_t makespan = model::simulate(c).makespan_ns;
  return {.formula = "n*t / (cores*5)",
          .in_domain = makespan == value,
          .violated = makespan == value
                          ? ""
                          : "cores*5 = " + std::to_string(c.workers) + " does not divide n = " + std::to_string(c.tasks.size()),
          .value_ns = value,
          .binding_term = ""};
}

// That cores*5 threads keep the cores busy: sum C / P.
model::ClosedForm cores_are_busy(const model::Case& c) {
  std::int64_t computing = 0;
  for (const model::Demand& task : c.tasks) computing += task.compute_ns;
  const std::int64_t cores = std::max(c.cores, 1);
  const std::int64_t makespan = model::simulate(c).makespan_ns;
  const double ratio = static_cast<double>(total(c) - computing) / static_cast<double>(std::max<std::int64_t>(computing, 1));
  return {.formula = "sum C / cores",
          .in_domain = false,
          .violated =
              fmt::format("W/C = {:.0f} > 4: k = {} threads keep {:.1f} % of P = {} cores busy (min(1, k/(P(1+W/C)))); {}", ratio,
                          c.workers, 100 * std::min(1.0, c.workers / (static_cast<double>(cores) * (1 + ratio))), cores,
                          model::duration_text(makespan)),
          .value_ns = computing / cores,
          .binding_term = ""};
}

}  // namespace

std::vector<Claim> io_claims() {
  ClaimCell mixed{.backend = "thread",
                  .workers = 5,
                  .strategy = "none",
                  .tasks_ms = times(60, 10),
                  .callbacks_ms = times(60, 0),
                  .workload = "mixed:4~0.5",
                  .per_core = true};
  ClaimCell mixed_cores = mixed;
  mixed_cores.workers = 1;
  ClaimCell mostly_waiting = mixed;
  mostly_waiting.tasks_ms = times(40, 160);
  mostly_waiting.callbacks_ms = times(40, 0);
  mostly_waiting.workload = "mixed:39";
  Claim enough = formula_claim("io_cores_times_five_suffices", "IO: cores*5 threads keep the cores busy, also at W/C = 39", kFive,
                               "W/C <= 4", cores_are_busy, mostly_waiting);
  enough.is_formula = false;  // at three scales it would take ten seconds and say the same
  Claim five = formula_claim("io_cores_times_five_threads", "IO: cores*5 threads wait for cores*5 tasks at a time", kFive,
                             "cores*5 divides n, tasks only wait", waits_over_workers, waiting("thread", 5, true));
  five.is_formula = false;
  return {
      loses_nothing("io_threads", "IO: a thread pool is as good as any (as many processes, as many threads as cores)", kThreads,
                    "tasks wait", {waiting("thread", 5, true), waiting("process", 5, true), waiting("thread", 1, true)}),
      std::move(five),
      loses_nothing("io_cores_times_five", "IO, W/C = 4: of cores and cores*5 threads, cores*5 are better", kFive, "W/C >= 1",
                    {std::move(mixed), std::move(mixed_cores)}),
      std::move(enough),
  };
}

}  // namespace harness
