// Synchronous and asynchronous submission, which the tutorial defines by whether the submitter waits for the result.

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

constexpr std::string_view kSynchronous = "同步：提交完任务后，原地阻塞等待任务结束，拿到返回值后，继续往下运行";
constexpr std::string_view kAsynchronous = "异步：提交任务后，不在原地等待，继续往下运行，一般异步搭配回调机制使用";

// The submitter is free again when the last submit has returned.
Claim submits_at_once(std::string_view id, std::string_view english, ClaimCell cell) {
  Claim claim;
  claim.id = id;
  claim.english = english;
  claim.chinese = kAsynchronous;
  claim.domain = "always";
  claim.cells = {std::move(cell)};
  claim.claimed = [](std::span<const Cell> cells) {
    model::Case synchronous = case_of(cells.front());
    const std::int64_t asynchronous_ns = model::simulate(synchronous).makespan_ns;
    synchronous.strategy = model::Strategy::sync;
    return Claimed{"time that n submits block",
                   0,
                   0,
                   "",
                   {{"blocked until the results are there", asynchronous_ns},
                    {"synchronous", model::simulate(synchronous).makespan_ns}}};
  };
  claim.measure = [](std::span<const Observation> round) { return round.front().measures->submit_ns; };
  claim.is_formula = false;
  return claim;
}

}  // namespace

std::vector<Claim> submission_claims() {
  return {
      formula_claim("synchronous_threads", "thread pool, waiting for each result before the next submit: sum of all",
                    kSynchronous, "always, for any k", exact, {"thread", 4, "sync", 0, times(2, 60), times(2, 20)}),
      formula_claim("synchronous_processes", "process pool, waiting for each result before the next submit: sum of all",
                    kSynchronous, "always, for any k", exact, {"process", 4, "sync", 0, times(2, 60), times(2, 20)}),
      submits_at_once("asynchronous_threads", "thread pool: submit returns at once, the callback gets the result",
                      {"thread", 2, "worker", 0, times(6, 60), times(6, 20)}),
      submits_at_once("asynchronous_processes", "process pool: submit returns at once, the callback gets the result",
                      {"process", 2, "main", 0, times(6, 60), times(6, 20)}),
  };
}

}  // namespace harness
