// The tutorial's formulas for thread pools. Durations are the least for which every formula's value is at least 60 ms from
// its nearest rival's (claims_test.cpp checks it); the tutorial's own programs stand at a tenth of their scale.

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

model::ClosedForm threads_as_jobs(const model::Case& c) {
  const std::int64_t value = model::callbacks_as_jobs(c);
  model::Case actual = c;
  actual.strategy = model::Strategy::worker;
  const std::int64_t makespan = model::simulate(actual).makespan_ns;
  std::string violated;
  if (makespan != value) {
    violated = "a callback runs on the thread that ran its task before that thread takes another task (n = " +
               std::to_string(c.tasks.size()) + ", k = " + std::to_string(c.workers) + "): " + model::duration_text(makespan) +
               ", where any idle thread would make it " + model::duration_text(value);
  }
  return {.formula = "callbacks as jobs for idle threads",
          .in_domain = violated.empty(),
          .violated = violated,
          .value_ns = value,
          .binding_term = ""};
}

constexpr std::string_view kThreadWho = "1、线程池使用回调函数的话，最终执行回调函数的是各个空闲的线程";
constexpr std::string_view kThreadDifferent =
    "3、当各个任务的执行时间不一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间";
constexpr std::string_view kThreadEqual = "4、当各个任务的执行时间一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间";
constexpr std::string_view kThreadDomain = "equal c; n <= k, or the list schedule of t + c is max t + c";
constexpr std::string_view kThreadEqualDomain = "equal t and c; n <= k";

}  // namespace

std::vector<Claim> thread_formula_claims() {
  using model::tutorial_thread;
  return {
      formula_claim("thread_callbacks_on_idle_threads", "thread pool: callbacks run on whichever threads are idle", kThreadWho,
                    "both schedules agree: n <= k", threads_as_jobs, {"thread", 2, "worker", 0, {60, 60, 180}, times(3, 60)}),
      formula_claim("thread_different", "thread pool, different durations: total = longest task + callback", kThreadDifferent,
                    kThreadDomain, tutorial_thread, {"thread", 4, "worker", 0, {100, 200, 300, 400}, times(4, 100)}),
      formula_claim("thread_different_few_workers", "thread pool, more tasks than workers: total = longest task + callback",
                    kThreadDifferent, kThreadDomain, tutorial_thread, {"thread", 2, "worker", 0, times(3, 60), times(3, 60)}),
      formula_claim("thread_different_one_long",
                    "thread pool, more tasks than workers, one of them long: total = longest task + callback", kThreadDifferent,
                    kThreadDomain, tutorial_thread, {"thread", 2, "worker", 0, {240, 60, 60}, times(3, 60)}),
      formula_claim("thread_equal", "thread pool, equal durations: total = longest task + callback", kThreadEqual,
                    kThreadEqualDomain, tutorial_thread, {"thread", 4, "worker", 0, times(4, 500), times(4, 100)}),
      formula_claim("thread_equal_few_workers",
                    "thread pool, equal durations, more tasks than workers: total = longest task + callback", kThreadEqual,
                    kThreadEqualDomain, tutorial_thread, {"thread", 4, "worker", 0, times(8, 100), times(8, 60)}),
      formula_claim("thread_unequal_callbacks", "thread pool, unequal callbacks: longest task + longest callback",
                    kThreadDifferent, kThreadDomain, tutorial_thread, {"thread", 2, "worker", 0, {140, 40}, {20, 180}}),
      formula_claim("thread_unequal_callbacks_exact",
                    "thread pool, unequal callbacks, n <= k: the largest task + its own callback", "", "n <= k", exact,
                    {"thread", 2, "worker", 0, {100, 40}, {60, 200}}),
  };
}

}  // namespace harness
