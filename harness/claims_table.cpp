// The claims, as data. Durations are chosen so that every formula's value is at least 60 ms from that of its nearest
// rival (claims_test.cpp checks it) and all together take about 10 s once.

#include <algorithm>

#include "harness/claims.h"
#include "harness/model/simulate.h"

namespace harness {
namespace {

using Durations = std::vector<std::int64_t>;

Durations times(std::size_t count, std::int64_t ms) { return Durations(count, ms); }

// Readings of the tutorial that are no closed forms of the model.

model::ClosedForm threads_as_jobs(const model::Case& c) {
  const std::int64_t value = model::callbacks_as_jobs(c);
  model::Case actual = c;
  actual.strategy = model::Strategy::worker;
  const std::int64_t makespan = model::simulate(actual).makespan_ns;
  std::string violated;
  if (makespan != value) {
    violated = "a callback runs on the thread that ran its task before that thread takes another task (n = " +
               std::to_string(c.tasks.size()) + ", k = " + std::to_string(c.workers) +
               "): " + model::duration_text(makespan) + ", where any idle thread would make it " +
               model::duration_text(value);
  }
  return {.formula = "callbacks as jobs for idle threads",
          .in_domain = violated.empty(),
          .violated = violated,
          .value_ns = value,
          .binding_term = ""};
}

// Exact for what the tutorial leaves undefined: unequal callbacks.
model::ClosedForm exact(const model::Case& c) { return model::closed_form(c); }

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

constexpr std::string_view kThreadWho = "1、线程池使用回调函数的话，最终执行回调函数的是各个空闲的线程";
constexpr std::string_view kThreadDifferent =
    "3、当各个任务的执行时间不一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间";
constexpr std::string_view kThreadEqual =
    "4、当各个任务的执行时间一样时，总执行时间 = 最长的任务执行时间 + 回调函数执行时间";
constexpr std::string_view kProcessWho = "1、进程池使用回调函数的话，最终执行回调函数的是主进程";
constexpr std::string_view kProcessDifferent = kThreadDifferent;
constexpr std::string_view kProcessEqual =
    "4、当各个任务执行时间一样时，总执行时间 = 最长的任务执行时间 + （任务个数 * 回调函数执行时间)";
constexpr std::string_view kRemedy = "解决方法：不绑定回调函数，直接再开几个进程，用开的进程来处理返回的值";

std::vector<Claim> make_claims() {
  using model::tutorial_process_different;
  using model::tutorial_process_equal;
  using model::tutorial_remedy;
  using model::tutorial_thread;
  return {
      {"thread_callbacks_on_idle_threads",
       "thread pool: callbacks run on whichever threads are idle",
       kThreadWho,
       threads_as_jobs,
       {"thread", 2, "worker", 0, {100, 100, 300}, times(3, 100)}},
      {"thread_different",
       "thread pool, different durations: total = longest task + callback",
       kThreadDifferent,
       tutorial_thread,
       {"thread", 4, "worker", 0, {100, 200, 300, 400}, times(4, 100)}},
      {"thread_different_few_workers",
       "thread pool, more tasks than workers: total = longest task + callback",
       kThreadDifferent,
       tutorial_thread,
       {"thread", 2, "worker", 0, times(3, 120), times(3, 120)}},
      {"thread_different_one_long",
       "thread pool, more tasks than workers, one of them long: total = longest task + callback",
       kThreadDifferent,
       tutorial_thread,
       {"thread", 2, "worker", 0, {600, 120, 120}, times(3, 60)}},
      {"thread_equal",
       "thread pool, equal durations: total = longest task + callback",
       kThreadEqual,
       tutorial_thread,
       {"thread", 4, "worker", 0, times(4, 500), times(4, 100)}},
      {"thread_equal_few_workers",
       "thread pool, equal durations, more tasks than workers: total = longest task + callback",
       kThreadEqual,
       tutorial_thread,
       {"thread", 4, "worker", 0, times(8, 100), times(8, 60)}},
      {"thread_unequal_callbacks",
       "thread pool, unequal callbacks: longest task + longest callback",
       kThreadDifferent,
       tutorial_thread,
       {"thread", 2, "worker", 0, {200, 40}, {20, 300}}},
      {"thread_unequal_callbacks_exact",
       "thread pool, unequal callbacks, n <= k: the largest task + its own callback",
       "",
       exact,
       {"thread", 2, "worker", 0, {200, 40}, {60, 400}}},
      {"process_callbacks_serial",
       "process pool: callbacks run in the main process, one at a time",
       kProcessWho,
       longest_and_all_callbacks,
       {"process", 4, "main", 0, times(4, 100), {50, 100, 150, 200}}},
      {"process_different",
       "process pool, different durations: total = longest task + callback",
       kProcessDifferent,
       tutorial_process_different,
       {"process", 4, "main", 0, {100, 200, 300, 400}, times(4, 100)}},
      {"process_different_dense",
       "process pool, completions closer together than a callback: total = longest task + callback",
       kProcessDifferent,
       tutorial_process_different,
       {"process", 4, "main", 0, {40, 80, 120, 160}, times(4, 100)}},
      {"process_different_one_long",
       "process pool, a long task hides the queue of callbacks: total = longest task + callback",
       kProcessDifferent,
       tutorial_process_different,
       {"process", 3, "main", 0, {60, 80, 400}, times(3, 100)}},
      {"process_equal",
       "process pool, equal durations: total = longest task + n callbacks",
       kProcessEqual,
       tutorial_process_equal,
       {"process", 4, "main", 0, times(4, 500), times(4, 100)}},
      {"process_equal_short_callbacks",
       "process pool, equal durations, n > k, short callbacks: total = longest task + n callbacks",
       kProcessEqual,
       tutorial_process_equal,
       {"process", 4, "main", 0, times(8, 200), times(8, 20)}},
      {"process_equal_long_callbacks",
       "process pool, equal durations, n > k, long callbacks: total = longest task + n callbacks",
       kProcessEqual,
       tutorial_process_equal,
       {"process", 4, "main", 0, times(8, 80), times(8, 60)}},
      {"remedy",
       "extra parser processes instead of callbacks: four save n - 1 callbacks",
       kRemedy,
       tutorial_remedy,
       {"process", 4, "extra", 4, times(4, 500), times(4, 100)}},
      {"remedy_two_parsers",
       "two parser processes save n - ceil(n/2) callbacks",
       kRemedy,
       tutorial_remedy,
       {"process", 4, "extra", 2, times(4, 300), times(4, 60)}},
      {"remedy_four_parsers",
       "four parser processes save n - 1 callbacks",
       kRemedy,
       tutorial_remedy,
       {"process", 4, "extra", 4, times(4, 300), times(4, 60)}},
      {"remedy_spread_completions",
       "four parser processes where completions are a callback apart",
       kRemedy,
       tutorial_remedy,
       {"process", 4, "extra", 4, {100, 200, 300, 400}, times(4, 100)}},
      {"remedy_without_parsers",
       "parsing in the task itself does as well as four parsers",
       "",
       exact,
       {"process", 4, "fused", 0, times(4, 300), times(4, 60)}},
  };
}

}  // namespace

std::span<const Claim> claims() {
  static const std::vector<Claim> kClaims = make_claims();
  return kClaims;
}

}  // namespace harness
