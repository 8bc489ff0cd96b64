// The capacity of a case: closed values, and the simulation of an overloaded one against it.

#include "harness/model/capacity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "harness/model/simulate.h"

namespace harness::model {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

Case capacity_case(Strategy strategy, int tasks, Demand task, Demand callback) {
  Case c;
  c.strategy = strategy;
  c.workers = 4;
  c.parsers = 2;
  c.tasks.assign(static_cast<std::size_t>(tasks), task);
  c.callbacks.assign(static_cast<std::size_t>(tasks), callback);
  return c;
}

constexpr Demand waits_for_ms(std::int64_t ms) { return {.wait_ns = ms * kMillisecond}; }
constexpr Demand computes_for_ms(std::int64_t ms) { return {.wait_ns = 0, .compute_ns = ms * kMillisecond}; }

TEST(Capacity, is_that_of_the_server_that_can_do_least) {
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::none, 3, waits_for_ms(10), {})), 400);
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::worker, 3, waits_for_ms(10), waits_for_ms(10))), 200);
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::fused, 3, waits_for_ms(10), waits_for_ms(10))), 200);
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::main, 3, waits_for_ms(10), waits_for_ms(10))),
                   100);  // one callback thread
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::main, 3, waits_for_ms(10), waits_for_ms(1))), 400);
  EXPECT_DOUBLE_EQ(capacity_per_s(capacity_case(Strategy::extra, 3, waits_for_ms(10), waits_for_ms(10))), 200);  // two parsers
}

TEST(Capacity, is_bounded_by_cores_locks_and_submits) {
  Case c = capacity_case(Strategy::main, 5, computes_for_ms(10), computes_for_ms(1));
  c.cores = 2;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 2 / 0.011);
  for (Demand& task : c.tasks) task.locked = true;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 100);
  c.overheads.submit_ns = 20 * kMillisecond;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 50);
}

TEST(Capacity, is_told_with_the_server_that_sets_it) {
  Case c = capacity_case(Strategy::main, 3, computes_for_ms(10), waits_for_ms(4));
  EXPECT_EQ(least_limit(c).server, "callback thread");
  c.cores = 2;
  EXPECT_EQ(least_limit(c).server, "cores");
  for (Demand& task : c.tasks) task.locked = true;
  EXPECT_EQ(least_limit(c).server, "lock");
  c.strategy = Strategy::worker;
  c.workers = 1;
  EXPECT_EQ(least_limit(c).server, "workers");
  EXPECT_EQ(limits(c).size(), 4U) << "workers, cores, lock, submitting";
}

TEST(Capacity, of_a_loop_is_of_its_threads_and_of_what_may_be_in_flight) {
  Case c = capacity_case(Strategy::none, 5, {.wait_ns = 90 * kMillisecond, .compute_ns = 10 * kMillisecond}, {});
  c.executor = Executor::loop;
  c.workers = 1;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 100);
  c.in_flight = 5;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 50);
}

TEST(Capacity, has_a_ceiling_that_no_number_of_workers_raises) {
  Case c = capacity_case(Strategy::none, 3, {.wait_ns = 90 * kMillisecond, .compute_ns = 10 * kMillisecond}, {});
  c.cores = 2;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 40);
  EXPECT_DOUBLE_EQ(ceiling_per_s(c), 200);
  c.workers = 20;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 200);
  EXPECT_DOUBLE_EQ(ceiling_per_s(c), 200);
  c.executor = Executor::loop;
  c.in_flight = 1;
  EXPECT_DOUBLE_EQ(capacity_per_s(c), 10);
  EXPECT_DOUBLE_EQ(ceiling_per_s(c), 200);
  EXPECT_TRUE(std::isinf(ceiling_per_s(capacity_case(Strategy::none, 3, waits_for_ms(10), {}))));
  EXPECT_DOUBLE_EQ(ceiling_per_s(capacity_case(Strategy::main, 3, waits_for_ms(10), waits_for_ms(2))), 500);
  c = capacity_case(Strategy::none, 3, waits_for_ms(10), {});
  c.serial = true;
  EXPECT_DOUBLE_EQ(ceiling_per_s(c), 100);
}

TEST(Capacity, of_tasks_that_take_no_time_is_infinite) {
  EXPECT_TRUE(std::isinf(capacity_per_s(capacity_case(Strategy::none, 2, {}, {}))));
}

// A batch keeps its servers busy to the end, but for the last of each. Equal tasks march in lockstep: on fewer cores than workers they would compute
// side by side and wait side by side, and reach less.
TEST(Capacity, is_the_throughput_of_a_long_batch) {
  for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::main, Strategy::extra, Strategy::collect}) {
    Case c = capacity_case(strategy, 4000, {.wait_ns = 5 * kMillisecond, .compute_ns = 2 * kMillisecond}, waits_for_ms(2));
    c.cores = 4;
    const double throughput = 4000 * 1e9 / static_cast<double>(simulate(c).makespan_ns);
    EXPECT_NEAR(throughput, capacity_per_s(c), 0.01 * capacity_per_s(c)) << name(strategy);
  }
}

}  // namespace
}  // namespace harness::model
