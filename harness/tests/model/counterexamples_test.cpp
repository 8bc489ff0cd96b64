// Every counterexample and every "holds beyond" of the model's table of claims, as a named test. Durations in ms.

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "harness/model/bounds.h"
#include "harness/model/closed_forms.h"
#include "harness/model/simulate.h"

namespace harness::model {
namespace {

constexpr std::int64_t kMs = 1'000'000;

Case case_of(Strategy strategy, int workers, std::vector<std::int64_t> tasks_ms, std::vector<std::int64_t> callbacks_ms) {
  for (auto* values : {&tasks_ms, &callbacks_ms}) {
    for (std::int64_t& value : *values) value *= kMs;
  }
  if (callbacks_ms.size() == 1) callbacks_ms.assign(tasks_ms.size(), callbacks_ms.front());
  Case c;
  c.strategy = strategy;
  c.workers = workers;
  c.tasks = waits(tasks_ms);
  c.callbacks = waits(callbacks_ms);
  return c;
}

std::vector<std::int64_t> times(std::size_t count, std::int64_t value) { return std::vector<std::int64_t>(count, value); }

std::int64_t makespan_ms(const Case& c) {
  const std::int64_t makespan = simulate(c).makespan_ns;
  EXPECT_EQ(makespan % kMs, 0);
  return makespan / kMs;
}

void expect_refuted(const ClosedForm& form, std::int64_t claimed_ms, const std::string& condition) {
  EXPECT_FALSE(form.in_domain);
  EXPECT_EQ(form.value_ns, claimed_ms * kMs);
  EXPECT_NE(form.violated.find(condition), std::string::npos) << form.violated;
}

void expect_holds(const ClosedForm& form, std::int64_t claimed_ms) {
  EXPECT_TRUE(form.in_domain) << form.violated;
  EXPECT_EQ(form.value_ns, claimed_ms * kMs);
}

TEST(Counterexamples, thread_callbacks_on_idle_threads_would_take_120_for_six_empty_tasks) {
  const Case c = case_of(Strategy::worker, 4, times(6, 0), {60});
  EXPECT_EQ(makespan_ms(c), 120);
  EXPECT_EQ(callbacks_as_jobs(c), 120 * kMs);
}

TEST(Counterexamples, callbacks_on_the_thread_that_ran_the_task_differ_from_callbacks_as_jobs) {
  const Case c = case_of(Strategy::worker, 2, {100, 100, 300}, {100});
  EXPECT_EQ(makespan_ms(c), 600);
  EXPECT_EQ(callbacks_as_jobs(c), 500 * kMs);
}

TEST(Counterexamples, thread_different_three_tasks_of_120_on_two_workers_take_480_not_240) {
  const Case c = case_of(Strategy::worker, 2, times(3, 120), {120});
  EXPECT_EQ(makespan_ms(c), 480);
  expect_refuted(tutorial_thread(c), 240, "n = 3 > k = 2");
}

TEST(Counterexamples, thread_different_holds_beyond_n_equal_k_when_the_list_schedule_fits) {
  const Case c = case_of(Strategy::worker, 2, {200, 40, 40}, {20});
  EXPECT_EQ(makespan_ms(c), 220);
  expect_holds(tutorial_thread(c), 220);
}

TEST(Counterexamples, thread_equal_eight_tasks_of_100_on_four_workers_take_320_not_160) {
  const Case c = case_of(Strategy::worker, 4, times(8, 100), {60});
  EXPECT_EQ(makespan_ms(c), 320);
  expect_refuted(tutorial_thread(c), 160, "n = 8 > k = 4");
}

TEST(Counterexamples, process_different_40_80_120_160_with_callbacks_of_100_take_440_not_260) {
  const Case c = case_of(Strategy::main, 4, {40, 80, 120, 160}, {100});
  EXPECT_EQ(makespan_ms(c), 440);
  expect_refuted(tutorial_process_different(c), 260, "j = 1: (n-j)c = 300 ms > r_(n) - r_(j) = 120 ms");
}

TEST(Counterexamples, process_different_holds_with_small_gaps_before_a_long_task) {
  const Case c = case_of(Strategy::main, 3, {60, 80, 400}, {100});
  EXPECT_EQ(makespan_ms(c), 500);
  expect_holds(tutorial_process_different(c), 500);
}

TEST(Counterexamples, process_equal_eight_tasks_of_200_on_four_workers_take_480_not_360) {
  const Case c = case_of(Strategy::main, 4, times(8, 200), {20});
  EXPECT_EQ(makespan_ms(c), 480);
  expect_refuted(tutorial_process_equal(c), 360, "n = 8 > k = 4 and kc = 80 ms < t = 200 ms");
}

TEST(Counterexamples, process_equal_eight_tasks_of_80_on_four_workers_hold_with_n_beyond_k) {
  const Case c = case_of(Strategy::main, 4, times(8, 80), {60});
  EXPECT_EQ(makespan_ms(c), 560);
  expect_holds(tutorial_process_equal(c), 560);
}

TEST(Counterexamples, unequal_callbacks_on_two_threads_take_the_largest_of_task_and_callback) {
  const Case c = case_of(Strategy::worker, 2, {200, 40}, {20, 300});
  EXPECT_EQ(makespan_ms(c), 340);
  expect_refuted(tutorial_thread(c), 500, "callbacks differ: 20 ms to 300 ms");
}

TEST(Counterexamples, unequal_callbacks_of_equal_processes_take_the_task_and_all_callbacks) {
  EXPECT_EQ(makespan_ms(case_of(Strategy::main, 4, times(4, 100), {50, 100, 150, 200})), 600);
}

TEST(Counterexamples, the_remedy_takes_four_tasks_of_300_from_540_to_420_and_360) {
  Case c = case_of(Strategy::extra, 4, times(4, 300), {60});
  EXPECT_EQ(makespan_ms(case_of(Strategy::main, 4, times(4, 300), {60})), 540);
  EXPECT_EQ(makespan_ms(case_of(Strategy::fused, 4, times(4, 300), {60})), 360);
  for (const auto& [parsers, expected] : {std::pair{1, 540}, {2, 420}, {3, 420}, {4, 360}}) {
    c.parsers = parsers;
    EXPECT_EQ(makespan_ms(c), expected) << parsers;
    expect_holds(tutorial_remedy(c), expected);
  }
}

TEST(Counterexamples, the_remedy_saves_nothing_when_completions_are_a_callback_apart) {
  Case c = case_of(Strategy::extra, 4, {100, 200, 300, 400}, {100});
  c.parsers = 4;
  EXPECT_EQ(makespan_ms(c), 500);
  expect_refuted(tutorial_remedy(c), 200, "completions are 100 ms apart or more");
}

// Helps over `main` iff the hand-over costs less than c (1 - 1/n).
TEST(Counterexamples, the_remedy_stops_helping_when_the_hand_over_costs_three_quarters_of_a_callback) {
  Case c = case_of(Strategy::extra, 4, times(4, 300), {60});
  c.parsers = 4;
  c.overheads.routing_ns = 44 * kMs;
  EXPECT_EQ(makespan_ms(c), 536);
  c.overheads.routing_ns = 45 * kMs;
  EXPECT_EQ(makespan_ms(c), 540);
}

TEST(Counterexamples, the_tutorials_own_programs_take_5_6_5_and_9_seconds_and_four_parsers_make_it_6) {
  EXPECT_EQ(makespan_ms(case_of(Strategy::worker, 4, {1000, 2000, 3000, 4000}, {1000})), 5000);
  EXPECT_EQ(makespan_ms(case_of(Strategy::worker, 4, times(4, 5000), {1000})), 6000);
  EXPECT_EQ(makespan_ms(case_of(Strategy::main, 4, {1000, 2000, 3000, 4000}, {1000})), 5000);
  Case equal = case_of(Strategy::main, 4, times(4, 5000), {1000});
  EXPECT_EQ(makespan_ms(equal), 9000);
  equal.strategy = Strategy::extra;
  equal.parsers = 4;
  EXPECT_EQ(makespan_ms(equal), 6000);
}

TEST(Counterexamples, a_callback_thread_that_dispatches_starves_its_worker) {
  std::vector<std::int64_t> tasks = times(8, 10);
  tasks.push_back(400);
  Case c = case_of(Strategy::main, 1, tasks, {50});
  EXPECT_EQ(makespan_ms(c), 530);
  c.coupled = true;
  EXPECT_EQ(makespan_ms(c), 660);  // CPython, measured: 667
  c.strategy = Strategy::none;
  EXPECT_EQ(makespan_ms(c), 480);  // without callbacks there is nothing to wait for
}

TEST(Counterexamples, coupled_dispatch_costs_nothing_while_tasks_fit_the_workers) {
  Case c = case_of(Strategy::main, 4, {40, 80, 120, 160}, {100});
  c.coupled = true;
  EXPECT_EQ(makespan_ms(c), 440);
}

TEST(Sizing, four_tasks_at_once_need_as_many_parsers_as_tasks_but_spread_ones_need_one) {
  EXPECT_EQ(fewest_parsers({300, 300, 300, 300}, 60), 4);
  EXPECT_EQ(fewest_parsers({100, 200, 300, 400}, 100), 1);
  EXPECT_EQ(fewest_parsers({100, 200, 300, 400}, 150), 2);
  EXPECT_EQ(fewest_parsers({5, 5, 5}, 0), 1);
  EXPECT_EQ(parsers_in_the_long_run(4, 200, 60), 2);
}

TEST(Cases, that_mean_nothing_are_refused_with_their_numbers) {
  Case c = case_of(Strategy::main, 0, {1}, {1});
  EXPECT_THROW(check(c), std::invalid_argument);
  c.workers = 1;
  c.callbacks.clear();
  EXPECT_THROW(check(c), std::invalid_argument);
  c.strategy = Strategy::none;
  EXPECT_NO_THROW(check(c));
  c.tasks.front().wait_ns = -1;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.tasks.front().wait_ns = INT64_MAX;
  EXPECT_NO_THROW(check(c));
  EXPECT_EQ(simulate(c).makespan_ns, INT64_MAX);
  c.tasks.push_back({.wait_ns = 1});
  EXPECT_THROW(check(c), std::overflow_error);
}

TEST(Cases, of_a_million_tasks_are_simulated_and_end_when_the_last_batch_does) {
  Case c;
  c.strategy = Strategy::main;
  c.workers = 64;
  c.tasks.assign(1'000'000, {.wait_ns = 640});
  c.callbacks.assign(1'000'000, {.wait_ns = 7});
  EXPECT_EQ(simulate(c).makespan_ns, std::max<std::int64_t>(640 + 7'000'000, 15'625 * 640 + 64 * 7));
}

TEST(TandemTerm, of_terms_that_tie_the_first_is_said_to_bind) {
  // 0 + 5 + 5 = 5 + 5: the callback thread is busy from the first completion on.
  EXPECT_EQ(tandem({0, 5}, {5, 5}).value_ns, 10);
  EXPECT_EQ(tandem({0, 5}, {5, 5}).j, 1);
  EXPECT_EQ(tandem({0, 6}, {5, 5}).j, 2);
  EXPECT_EQ(tandem({5, 0}, {5, 5}).j, 1);  // in the order of completion
}

TEST(ClosedForms, say_which_term_binds_also_at_the_edge_of_their_domain) {
  const ClosedForm longest = closed_form(case_of(Strategy::none, 3, {1, 5, 2}, {0}));  // n = k
  EXPECT_TRUE(longest.in_domain);
  EXPECT_EQ(longest.binding_term, "task 2");
  Case one_chunk = case_of(Strategy::map, 2, {1, 5, 2}, {1});
  one_chunk.chunksize = 3;  // = n
  EXPECT_TRUE(closed_form(one_chunk).in_domain);
  EXPECT_EQ(closed_form(one_chunk).binding_term, "one chunk");
  // t + nc = 4 + 2 * 4 = qt + Lc = 2 * 4 + 1 * 4 on one worker: the first is said to bind.
  const ClosedForm tie = closed_form(case_of(Strategy::main, 1, {4, 4}, {4}));
  EXPECT_EQ(tie.value_ns, 12 * kMs);
  EXPECT_EQ(tie.binding_term, "t + nc");
}

}  // namespace
}  // namespace harness::model
