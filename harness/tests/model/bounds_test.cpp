// Bounds, the numbers of parsers, and the schedule of equal servers, worked out by hand.

#include "harness/model/bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "harness/model/closed_forms.h"
#include "harness/model/parsers.h"
#include "harness/model/simulate.h"

namespace harness::model {
namespace {

using testing::ElementsAre;

Case waiting(Strategy strategy, int workers, const std::vector<std::int64_t>& tasks,
             const std::vector<std::int64_t>& callbacks = {}) {
  Case c;
  c.strategy = strategy;
  c.workers = workers;
  c.tasks = waits(tasks);
  c.callbacks = waits(callbacks);
  return c;
}

Case computing(int workers, int cores, const std::vector<std::int64_t>& tasks) {
  Case c;
  c.workers = workers;
  c.cores = cores;
  for (const std::int64_t task : tasks) c.tasks.push_back({.wait_ns = 0, .compute_ns = task});
  return c;
}

TEST(Graham, is_bounded_by_the_longest_task_where_one_outweighs_the_rest) {
  const Bounds bounds = graham({10, 1, 1}, 3);
  EXPECT_EQ(bounds.lower_ns, 10);  // not 12 / 3
  EXPECT_EQ(bounds.upper_ns, (12 + 2 * 10) / 3);
}

TEST(MakespanBounds, no_callback_begins_before_the_first_task_has_ended) {
  EXPECT_EQ(makespan_bounds(waiting(Strategy::main, 2, {5, 5}, {3, 3})).lower_ns, 5 + 3 + 3);
}

TEST(MakespanBounds, tasks_that_compute_take_their_sum_over_the_cores) {
  EXPECT_EQ(makespan_bounds(computing(4, 1, {10, 10, 10, 10})).lower_ns, 40);
}

TEST(EnoughParsers, is_the_least_number_that_is_as_good_as_any) {
  Case c = waiting(Strategy::extra, 4, {10, 10, 10, 10}, {15, 15, 15, 0});
  EXPECT_EQ(enough_parsers(c), 3);
  c.parsers = 2;
  EXPECT_GT(simulate(c).makespan_ns, 25);
}

TEST(ListSchedule, workers_that_are_free_at_the_same_time_take_the_next_tasks_by_number) {
  std::vector<int> workers;
  for (const TaskTimes& times : simulate(waiting(Strategy::none, 3, {10, 10, 10, 10, 10, 10})).tasks)
    workers.push_back(times.worker);
  EXPECT_THAT(workers, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(ProcessorSharing, rounds_halves_up) {
  const Case c = computing(3, 2, {1, 1, 1});  // 3 / 2
  EXPECT_EQ(closed_form(c).value_ns, 2);
  EXPECT_TRUE(closed_form(c).in_domain);
}

TEST(ProcessorSharing, has_no_closed_form_where_a_task_also_waits) {
  Case c = computing(3, 2, {10, 10, 10});
  c.tasks[0].wait_ns = 7;
  const ClosedForm form = closed_form(c);
  EXPECT_FALSE(form.in_domain);
  EXPECT_EQ(form.value_ns, simulate(c).makespan_ns);
}

TEST(ProcessorSharing, has_no_closed_form_where_some_tasks_hold_the_lock) {
  Case c = computing(3, 2, {10, 10, 10});
  c.tasks[0].locked = true;
  const ClosedForm form = closed_form(c);
  EXPECT_FALSE(form.in_domain);
  EXPECT_EQ(form.value_ns, simulate(c).makespan_ns);
}

}  // namespace
}  // namespace harness::model
