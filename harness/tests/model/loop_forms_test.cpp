// Closed forms and bounds of event loops: held against the simulation on random cases, and worked out by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "harness/model/bounds.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/random_cases.h"

namespace harness::model {
namespace {

using testing::below;
using ::testing::HasSubstr;
using testing::kLoopStrategies;
using testing::random_loop_case;
using testing::show;

constexpr int kFormCases = 3000;  // per strategy

Case loop_with(int threads, std::int64_t in_flight, std::vector<Demand> tasks) {
  Case c;
  c.executor = Executor::loop;
  c.workers = threads;
  c.in_flight = in_flight;
  c.tasks = std::move(tasks);
  return c;
}

Case loop_with_callbacks(Strategy strategy, int threads, std::size_t n, const Demand& task, const Demand& callback) {
  Case c = loop_with(threads, 0, std::vector<Demand>(n, task));
  c.strategy = strategy;
  c.callbacks.assign(n, callback);
  return c;
}

// Mostly the shapes that forms are about: equal tasks, few threads, everybody in flight.
Case shaped_case(std::mt19937_64& random, Strategy strategy) {
  Case c = random_loop_case(random, strategy,
                            {.tasks = 12, .threads = 4, .longest = 9, .overheads = below(random, 4) == 0, .cores = false});
  if (below(random, 3) > 0) {
    for (auto* demands : {&c.tasks, &c.callbacks}) std::fill(demands->begin(), demands->end(), demands->front());
  }
  if (below(random, 2) == 0) c.workers = 1;
  if (below(random, 3) == 0) {
    for (Demand& callback : c.callbacks) callback.wait_ns = 0;
  }
  if (below(random, 3) == 0) c.in_flight = c.workers * (1 + below(random, 3));
  if (below(random, 6) == 0) c.cores = static_cast<int>(1 + below(random, 2));
  return c;
}

class LoopFormProperty : public ::testing::TestWithParam<Strategy> {
 protected:
  std::mt19937_64 random_{20250311u + static_cast<unsigned>(GetParam())};
};

TEST_P(LoopFormProperty, a_closed_form_is_the_makespan_and_says_where_there_is_none) {
  int in_domain = 0;
  int outside = 0;
  for (int i = 0; i < kFormCases && !HasFailure(); ++i) {
    const Case c = shaped_case(random_, GetParam());
    const ClosedForm form = closed_form(c);
    EXPECT_EQ(form.value_ns, simulate(c).makespan_ns) << form.formula << ": " << show(c);
    EXPECT_EQ(form.in_domain, form.violated.empty()) << form.violated;
    EXPECT_EQ(form.in_domain, !form.binding_term.empty()) << form.formula;
    ++(form.in_domain ? in_domain : outside);
  }
  EXPECT_GT(in_domain, kFormCases / 3);
  if (GetParam() != Strategy::sync) {
    EXPECT_GT(outside, kFormCases / 20);
  }
}

TEST_P(LoopFormProperty, the_makespan_lies_within_its_bounds) {
  for (int i = 0; i < kFormCases && !HasFailure(); ++i) {
    const Case c = random_loop_case(random_, GetParam(), {.tasks = 20, .threads = 5, .longest = 30, .cores = i % 2 == 0});
    const Bounds bounds = makespan_bounds(c);
    const std::int64_t makespan = simulate(c).makespan_ns;
    EXPECT_LE(bounds.lower_ns, makespan) << show(c);
    EXPECT_GE(bounds.upper_ns, makespan) << show(c);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, LoopFormProperty, ::testing::ValuesIn(kLoopStrategies),
                         [](const auto& param) { return std::string(name(param.param)); });

TEST(LoopForms, each_is_met_on_random_cases) {
  std::mt19937_64 random(1);
  std::map<std::string, int> met;
  for (int i = 0; i < 8 * kFormCases; ++i) {
    const ClosedForm form = closed_form(shaped_case(random, kLoopStrategies[static_cast<std::size_t>(i % 8)]));
    if (form.in_domain) ++met[form.formula.starts_with("as a pool of ") ? "as a pool" : form.formula];
  }
  for (const char* const formula :
       {"as a pool", "w + nx", "w + n(x + y)", "max_j [w_(j) + sum_{i>=j} x_(i)]", "max_j [w_(j) + sum_{i>=j} (x + y)_(i)]",
        "w + ceil(n/L)x", "w + ceil(n/L)(x + y)", "max(w + ceil(n/L)x, q(w + x) + (r - 1)x)",
        "max(w + ceil(n/L)(x + y), q(w + x + y) + (r - 1)(x + y))", "w + max(n(x + y), x + v + ny, nx + v + y)",
        "max_j [r_(j) + sum_{i>=j} c_(i)]", "max_j [r_(j) + (floor((n-j)/m) + 1)c]",
        "max(nd + sum c, max_j [F_j + sum_{i>=j} c_i])", "sum(d + w + u + e + x + c)"}) {
    EXPECT_GE(met[formula], 10) << formula;
  }
}

TEST(LoopForms, equal_tasks_on_one_thread_need_no_size) {
  const ClosedForm form = closed_form(loop_with(1, 0, std::vector<Demand>(100, {.wait_ns = 39'000, .compute_ns = 1'000})));
  EXPECT_TRUE(form.in_domain);
  EXPECT_EQ(form.formula, "w + nx");
  EXPECT_EQ(form.value_ns, 39'000 + 100 * 1'000);
}

// The knee: B = L(1 + W/C) in flight are enough, one round fewer is not.
TEST(LoopForms, in_flight_has_its_knee_where_threads_are_just_kept_busy) {
  const std::vector<Demand> tasks(200, {.wait_ns = 4'000, .compute_ns = 1'000});
  for (const int threads : {1, 2, 4}) {
    const auto makespan = [&](std::int64_t in_flight) { return closed_form(loop_with(threads, in_flight, tasks)).value_ns; };
    const std::int64_t knee = threads * (1 + 4);
    EXPECT_EQ(makespan(knee), makespan(0)) << threads;
    EXPECT_EQ(makespan(10 * knee), makespan(0)) << threads;
    EXPECT_GT(makespan(knee - threads), makespan(0)) << threads;
    EXPECT_TRUE(closed_form(loop_with(threads, knee, tasks)).in_domain);
  }
}

TEST(LoopForms, name_the_condition_that_is_violated_in_numbers) {
  const std::vector<Demand> tasks(7, {.wait_ns = 5, .compute_ns = 3});
  const auto violated = [](const Case& c) { return closed_form(c).violated; };
  EXPECT_THAT(violated(loop_with(2, 3, tasks)), HasSubstr("B = 3 is no multiple of L = 2"));
  Case few_cores = loop_with(4, 0, tasks);
  few_cores.cores = 2;
  EXPECT_THAT(violated(few_cores), HasSubstr("4 compute at once on 2 cores"));
  Case different = loop_with(2, 0, tasks);
  different.tasks[3].wait_ns = 1;
  EXPECT_THAT(violated(different), HasSubstr("tasks differ"));
  Case costly = loop_with(2, 0, tasks);
  costly.overheads.wake_ns = 1'000;
  EXPECT_THAT(violated(costly), HasSubstr("a wake-up costs 1 us, not 0"));
  EXPECT_THAT(violated(loop_with_callbacks(Strategy::worker, 2, 7, {.wait_ns = 5, .compute_ns = 3}, {.compute_ns = 2})),
              HasSubstr("L = 2 > 1"));
}

TEST(LoopBounds, are_tight_for_one_thread_that_is_always_busy) {
  const Bounds bounds = makespan_bounds(loop_with(1, 0, std::vector<Demand>(10, {.wait_ns = 0, .compute_ns = 7})));
  EXPECT_EQ(bounds.lower_ns, 70);
  EXPECT_EQ(bounds.upper_ns, 70);
}

TEST(LoopBounds, know_the_first_wait_the_cores_and_what_is_in_flight) {
  const std::vector<Demand> tasks(8, {.wait_ns = 10, .compute_ns = 6});
  EXPECT_EQ(makespan_bounds(loop_with(4, 0, tasks)).lower_ns, 10 + 8 * 6 / 4);
  Case few_cores = loop_with(4, 0, tasks);
  few_cores.cores = 2;
  EXPECT_EQ(makespan_bounds(few_cores).lower_ns, 10 + 8 * 6 / 2);
  EXPECT_EQ(makespan_bounds(loop_with(4, 2, tasks)).lower_ns, 8 * 16 / 2);
}

TEST(LoopBounds, of_callbacks_beside_the_loop_count_from_the_first_completion) {
  Case c = loop_with_callbacks(Strategy::main, 1, 4, {.wait_ns = 10, .compute_ns = 1}, {.wait_ns = 20});
  EXPECT_EQ(makespan_bounds(c).lower_ns, 11 + 4 * 20);
  c.strategy = Strategy::extra;
  c.parsers = 2;
  EXPECT_EQ(makespan_bounds(c).lower_ns, 11 + 2 * 20);
}

}  // namespace
}  // namespace harness::model
