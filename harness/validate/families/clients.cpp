// What pools are for: they bound what the machine has to carry, the backlog waits.

#include <fmt/core.h>

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kProtects =
    "当并发的任务数远远超过了计算机的承受能力时，即无法一次性开启过多的进程数/线程数时，就应该用线程池/进程池的概念将开启的进程数或线程数限制在计算机可承受的范围内";
constexpr std::string_view kOnlyThen =
    "使用进程池/线程池是折中方案，是为了保护计算机能正常工作，只有当并发的任务数远大于计算机承受能力时，才能使用";

constexpr std::size_t kClients = 10'000;

std::string load_text(const Observation& each) {
  return fmt::format("{}: {} at once on {} threads, {:.0f} MB", each.factors->backend,
                     each.evidence ? each.evidence->tasks_at_once : 0, each.evidence ? each.evidence->workers : 0,
                     static_cast<double>(each.measures->rss_peak_bytes) / 1e6);
}

std::string loads_text(std::span<const Observation> round) {
  std::string text;
  for (const Observation& each : round) text += (text.empty() ? "" : "; ") + load_text(each);
  return text;
}

}  // namespace

std::vector<Claim> client_claims() {
  Claim bounded;
  bounded.id = "clients_bounded";
  bounded.english = "10,000 clients, a pool of 500: never more at once, the backlog waits: total = ceil(n/k) * t";
  bounded.chinese = kProtects;
  bounded.domain = "equal t";
  bounded.cells = {{.backend = "thread",
                    .workers = 500,
                    .strategy = "none",
                    .tasks_ms = times(kClients, 50),
                    .callbacks_ms = times(kClients, 0)}};
  bounded.claimed = [](std::span<const Cell> cells) {
    const model::Case c = case_of(cells.front());
    const std::int64_t t = c.tasks.front().service_ns();
    const auto batches = (static_cast<std::int64_t>(c.tasks.size()) + c.workers - 1) / c.workers;
    return Claimed{"ceil(n/k) * t",
                   batches * t,
                   model::simulate(c).makespan_ns,
                   "",
                   {{"all at once", t}, {"one after another", static_cast<std::int64_t>(c.tasks.size()) * t}}};
  };
  // More at once than workers would be another claim's world: the time that such a round took is not what is claimed.
  bounded.measure = [](std::span<const Observation> round) {
    const Observation& pool = round.front();
    return pool.evidence->tasks_at_once <= pool.factors->workers ? pool.measures->makespan_ns : 0;
  };
  bounded.facts = loads_text;
  bounded.is_formula = false;
  bounded.needs_evidence = true;

  Claim few = loses_nothing(
      "clients_few", "a pool only for more tasks than the machine can bear: with n <= k it loses nothing to a thread per task",
      kOnlyThen, "n <= k",
      {{.backend = "thread", .workers = 20, .strategy = "none", .tasks_ms = times(20, 60), .callbacks_ms = times(20, 0)},
       {.backend = "thread_per_task", .workers = 20, .strategy = "none", .tasks_ms = times(20, 60), .callbacks_ms = times(20, 0)},
       {.backend = "thread", .workers = 4, .strategy = "none", .tasks_ms = times(20, 60), .callbacks_ms = times(20, 0)}});
  return {std::move(bounded), std::move(few)};
}

}  // namespace harness
