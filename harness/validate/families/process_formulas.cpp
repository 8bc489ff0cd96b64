// The tutorial's formulas for process pools, whose callbacks run one at a time in the main process. Durations: see
// thread_formulas.cpp.

#include <algorithm>

#include "harness/model/simulate.h"
#include "harness/validate/families/catalogue.h"

namespace harness {
namespace {

// Task and all callbacks one after another: equal tasks, n <= k.
model::ClosedForm longest_and_all_callbacks(const model::Case& c) {
  std::int64_t longest = 0;
  std::int64_t all = 0;
  for (const model::Demand& task : c.tasks) longest = std::max(longest, task.service_ns());
  for (const model::Demand& callback : c.callbacks) all += callback.service_ns();
  const std::int64_t makespan = model::simulate(c).makespan_ns;
  const bool holds = makespan == longest + all;
  return {.formula = "longest + sum c",
          .in_domain = holds,
          .violated = holds ? "" : "the tandem takes " + model::duration_text(makespan),
          .value_ns = longest + all,
          .binding_term = "sum c"};
}

constexpr std::string_view kProcessWho = "1、进程池使用回调函数的话，最终执行回调函数的是主进程";
constexpr std::string_view kProcessDifferent =
    "3、当各个任务的执行时间不一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间";
constexpr std::string_view kProcessEqual =
    "4、当各个任务执行时间一样时，总执行时间 = 最长的任务执行时间 + （任务个数 * 回调函数执行时间)";
constexpr std::string_view kProcessDifferentDomain = "equal c; r_(n) = max t and (n-j)c <= r_(n) - r_(j) for every j";
constexpr std::string_view kProcessEqualDomain = "equal t and c; n <= k or kc >= t";

}  // namespace

std::vector<Claim> process_formula_claims() {
  using model::tutorial_process_different;
  using model::tutorial_process_equal;
  return {
      formula_claim("process_callbacks_serial",
                    "process pool: callbacks run in the main process, one at a time: longest + all callbacks", kProcessWho,
                    "equal t, n <= k", longest_and_all_callbacks, {"process", 3, "main", 0, times(3, 60), {30, 60, 90}}),
      formula_claim("process_different", "process pool, different durations: total = longest task + callback", kProcessDifferent,
                    kProcessDifferentDomain, tutorial_process_different,
                    {"process", 4, "main", 0, {100, 200, 300, 400}, times(4, 100)}),
      formula_claim("process_different_dense",
                    "process pool, completions closer together than a callback: total = longest task + callback",
                    kProcessDifferent, kProcessDifferentDomain, tutorial_process_different,
                    {"process", 4, "main", 0, {30, 60, 90, 120}, times(4, 60)}),
      formula_claim("process_different_one_long",
                    "process pool, a long task hides the queue of callbacks: total = longest task + callback", kProcessDifferent,
                    kProcessDifferentDomain, tutorial_process_different, {"process", 3, "main", 0, {40, 60, 260}, times(3, 60)}),
      formula_claim("process_equal", "process pool, equal durations: total = longest task + n callbacks", kProcessEqual,
                    kProcessEqualDomain, tutorial_process_equal, {"process", 4, "main", 0, times(4, 500), times(4, 100)}),
      formula_claim("process_equal_short_callbacks",
                    "process pool, equal durations, n > k, short callbacks: total = longest task + n callbacks", kProcessEqual,
                    kProcessEqualDomain, tutorial_process_equal, {"process", 3, "main", 0, times(6, 160), times(6, 20)}),
      formula_claim("process_equal_long_callbacks",
                    "process pool, equal durations, n > k, long callbacks: total = longest task + n callbacks", kProcessEqual,
                    kProcessEqualDomain, tutorial_process_equal, {"process", 2, "main", 0, times(4, 60), times(4, 60)}),
  };
}

}  // namespace harness
