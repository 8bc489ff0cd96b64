// shutdown: what it waits for, what it refuses, and that everything submitted runs all the same.

#include <numeric>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kWaits = "wait=True，关闭入口，不在接受任务，等待池内所有任务执行完毕回收完资源后才继续";
constexpr std::string_view kReturns = "wait=False，立即返回，并不会等待池内的任务执行完毕";
constexpr std::string_view kRuns = "但不管wait参数为何值，整个程序都会等到所有任务执行完毕";
constexpr std::string_view kBefore = "submit和map必须在shutdown之前";

// `observed` of a cell that submits its tasks and shuts the pool down at once; by claim and model `value` of the makespan
// and of the sum of all tasks.
Claim claim_of(std::string_view id, std::string_view english, std::string_view chinese, std::string_view formula,
               std::int64_t Measures::*observed, std::int64_t (*value)(std::int64_t makespan, std::int64_t sum),
               std::string_view backend) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = chinese;
  claim.domain = "always";
  claim.cells = {{.backend = backend, .workers = 2, .strategy = "none", .tasks_ms = times(4, 60), .callbacks_ms = times(4, 0)}};
  claim.claimed = [=](std::span<const Cell> cells) {
    const std::vector<std::int64_t>& durations = cells.front().task_durations_ns;
    const std::int64_t makespan = model::simulate(case_of(cells.front())).makespan_ns;
    const std::int64_t sum = std::accumulate(durations.begin(), durations.end(), std::int64_t{0});
    const std::int64_t claimed = value(makespan, sum);
    return Claimed{std::string(formula),
                   claimed,
                   claimed,
                   "",
                   {{"does not wait", 0}, {"waits for all tasks", makespan}, {"a task more", claimed + durations.front()}}};
  };
  claim.measure = [observed](std::span<const Observation> round) { return round.front().measures->*observed; };
  claim.is_formula = false;
  return claim;
}

std::int64_t makespan_of(std::int64_t makespan, std::int64_t /*sum*/) { return makespan; }
std::int64_t sum_of(std::int64_t /*makespan*/, std::int64_t sum) { return sum; }
std::int64_t nothing(std::int64_t /*makespan*/, std::int64_t /*sum*/) { return 0; }

}  // namespace

std::vector<Claim> shutdown_claims() {
  return {
      claim_of("shutdown_waits_threads", "thread pool: shutdown(wait) returns when all tasks have run", kWaits,
               "shutdown takes M", &Sample::pool_stop_ns, makespan_of, "thread_shutdown"),
      claim_of("shutdown_waits_processes", "process pool: shutdown(wait) returns when all tasks have run", kWaits,
               "shutdown takes M", &Sample::pool_stop_ns, makespan_of, "process_shutdown"),
      claim_of("shutdown_no_wait_threads", "thread pool: shutdown(no wait) returns at once", kReturns, "shutdown takes 0",
               &Sample::pool_stop_ns, nothing, "thread_shutdown_no_wait"),
      claim_of("shutdown_no_wait_processes", "process pool: shutdown(no wait) returns at once", kReturns, "shutdown takes 0",
               &Sample::pool_stop_ns, nothing, "process_shutdown_no_wait"),
      claim_of("shutdown_runs_all_threads", "thread pool: all tasks run, also after shutdown(no wait)", kRuns, "M",
               &Sample::makespan_ns, makespan_of, "thread_shutdown_no_wait"),
      claim_of("shutdown_runs_all_processes", "process pool: all tasks run, also after shutdown(no wait)", kRuns, "M",
               &Sample::makespan_ns, makespan_of, "process_shutdown_no_wait"),
      claim_of("shutdown_refuses_threads", "thread pool: a submit after shutdown is refused: only the tasks before it run",
               kBefore, "sum t of the tasks before it", &Sample::sum_task_ns, sum_of, "thread_shutdown_no_wait"),
      claim_of("shutdown_refuses_processes", "process pool: a submit after shutdown is refused: only the tasks before it run",
               kBefore, "sum t of the tasks before it", &Sample::sum_task_ns, sum_of, "process_shutdown_no_wait"),
  };
}

}  // namespace harness
