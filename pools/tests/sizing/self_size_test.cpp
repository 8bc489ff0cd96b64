// The arithmetic of a pool that sizes itself, against simulated pools whose best size is known.

#include "pools/src/base/self_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "pools/metrics.h"
#include "pools/src/base/work_meter.h"
#include "pools/tests/sizing/hill_climbing.h"
#include "pools/tests/sizing/simulation.h"

namespace pools::test {
namespace {

using namespace std::chrono_literals;
using detail::least_size;
using detail::SelfSize;
using detail::utilisation;
using detail::WorkSample;

constexpr SelfSizing kBounds{.min = 1, .max = 200};
constexpr double kCompute = 0.005;

Load load_of(double ratio, Load::Shape shape = Load::Shape::exponential) {
  return {.wait = ratio * kCompute, .compute = kCompute, .shape = shape};
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Utilisation, is_that_of_the_closed_network) {
  EXPECT_DOUBLE_EQ(utilisation(1, 1, 1), 0.5);        // one task, that waits for half of the time
  EXPECT_NEAR(utilisation(2, 1, 1), 4.0 / 5, 1e-12);  // p(0) : p(1) : p(2) = 1 : 2 : 2
  EXPECT_NEAR(utilisation(2, 2, 1), 0.5, 1e-12);      // nobody is in anybody's way
  EXPECT_DOUBLE_EQ(utilisation(3, 4, 0), 0.75);
  EXPECT_DOUBLE_EQ(utilisation(8, 4, 0), 1);
  EXPECT_EQ(utilisation(10, 2, HUGE_VAL), 0);
  EXPECT_NEAR(utilisation(5000, 2, 0.001), 1, 1e-12);  // terms beyond what a double holds
  for (int size = 1; size < 300; ++size) EXPECT_LE(utilisation(size, 4, 39), utilisation(size + 1, 4, 39)) << size;
}

TEST(Utilisation, is_what_the_simulation_measures) {
  for (const Load::Shape shape : {Load::Shape::exponential, Load::Shape::heavy_tailed}) {
    for (const double ratio : {0.25, 4.0, 39.0}) {
      for (const int size : {2, 10, 80}) {
        PoolSimulation pool(2, size, load_of(ratio, shape), 11);
        pool.run_until(10);
        const double before = pool.computed();
        pool.run_until(130);
        EXPECT_NEAR((pool.computed() - before) / 2 / 120, utilisation(size, 2, ratio), 0.02) << size << " " << ratio;
      }
    }
  }
}

TEST(LeastSize, is_littles_law_and_what_fluctuations_need) {
  EXPECT_EQ(least_size(2, 0, 0.98, 200), 2);
  EXPECT_EQ(least_size(2, 4, 0.98, 200), 15);  // Little's law alone: 10, at which the cores compute for 85 %
  EXPECT_EQ(least_size(2, 39, 0.98, 200), 91);
  EXPECT_EQ(least_size(4, 39, 0.98, 100), 100);
  EXPECT_EQ(least_size(2, HUGE_VAL, 0.98, 200), 200);
  EXPECT_EQ(least_size(2, 1e300, 0.98, std::numeric_limits<int>::max()), std::numeric_limits<int>::max());
  for (const int cores : {1, 2, 3, 16}) {
    for (const double ratio : {0.01, 0.25, 1.0, 4.0, 9.0, 39.0}) {
      const int size = least_size(cores, ratio, 0.98, 10000);
      EXPECT_GE(utilisation(size, cores, ratio), 0.98);
      EXPECT_TRUE(size == 1 || utilisation(size - 1, cores, ratio) < 0.98);
    }
  }
}

struct Case {
  std::string name;
  std::vector<double> ratios;  // each for 20 s
  int cores = 2;
  Load::Shape shape = Load::Shape::exponential;
};

class SelfSizeOf : public testing::TestWithParam<Case> {};

TEST_P(SelfSizeOf, is_within_5_percent_of_the_best_fixed_one_settles_in_2_s_and_then_rests) {
  std::vector<Step> steps;
  for (const double ratio : GetParam().ratios)
    steps.push_back({20.0 * static_cast<double>(steps.size()), load_of(ratio, GetParam().shape)});
  const double end = 20.0 * static_cast<double>(steps.size());
  const int cores = GetParam().cores;
  const double best = best_fixed(cores, kBounds.max, steps, end, 5);
  for (const unsigned seed : {1U, 2U, 3U, 4U, 5U}) {
    PoolSimulation pool(cores, cores, steps.front().load, seed);
    const SimulatedRun run = simulate(pool, steps, end, SelfSizingControl(kBounds, cores));
    EXPECT_GE(sum(run.computed), 0.95 * best) << seed;
    for (std::size_t step = 0; step < steps.size(); ++step) {
      EXPECT_LE(run.settled[step], 2) << seed << ", step " << step << ", size " << run.sizes[step];
      EXPECT_LT(run.late_changes[step], 2 * 18) << seed << ", step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Steady, SelfSizeOf,
                         testing::Values(Case{"w_0_01", {0.01}}, Case{"w_0_25", {0.25}}, Case{"w_1", {1}}, Case{"w_4", {4}},
                                         Case{"w_9", {9}}, Case{"w_39", {39}}, Case{"on_one_core", {9}, 1},
                                         Case{"on_four", {9}, 4}, Case{"heavy_tailed", {9}, 2, Load::Shape::heavy_tailed}),
                         [](const auto& of) { return of.param.name; });
INSTANTIATE_TEST_SUITE_P(Changing, SelfSizeOf,
                         testing::Values(Case{"up_and_down", {0.01, 39, 0.01, 9}}, Case{"down_and_up", {39, 1, 39, 0.25}},
                                         Case{"heavy_tailed", {0.25, 9, 0.25}, 2, Load::Shape::heavy_tailed}),
                         [](const auto& of) { return of.param.name; });

TEST(SelfSizeIn, tasks_that_all_wait_has_one_for_each_within_a_second) {
  PoolSimulation pool(2, 2, {.wait = 100, .compute = 0, .shape = Load::Shape::constant, .pieces = 1}, 1, 40);
  SelfSizingControl control(kBounds, 2);
  while (pool.now() < 1) pool.run_until(control(pool));
  EXPECT_EQ(pool.size(), 40);
  EXPECT_EQ(pool.running(), 40);
  while (pool.now() < 60) pool.run_until(control(pool));
  EXPECT_EQ(pool.size(), 40);
}

TEST(SelfSizeIn, tasks_that_never_end_has_those_and_what_the_others_need) {
  PoolSimulation pool(2, 2, load_of(1), 3);
  SelfSizingControl control(kBounds, 2);
  while (pool.now() < 5) pool.run_until(control(pool));
  const int before = pool.size();
  EXPECT_LE(before, 9);
  pool.get_stuck(30);
  while (pool.now() < 30) pool.run_until(control(pool));
  EXPECT_GE(pool.size(), 30 + 4);
  EXPECT_LE(pool.size(), 30 + 2 * before);
}

TEST(SelfSizeIn, a_kernel_that_tells_no_delays_grows_no_further_than_the_cores_compute) {
  for (const double ratio : {0.01, 1.0, 4.0, 39.0}) {
    const std::vector<Step> steps{{0, load_of(ratio)}};
    PoolSimulation pool(2, 2, load_of(ratio), 1);
    const SimulatedRun run = simulate(pool, steps, 30, SelfSizingControl(kBounds, 2, false));
    EXPECT_GE(run.computed[0], 0.95 * best_fixed(2, kBounds.max, steps, 30, 5));
    EXPECT_LE(run.late_changes[0], 3);
    EXPECT_LE(run.sizes[0], 2 * least_size(2, ratio, SelfSize::kAim, 200));
  }
}

// Of workers that are all with a task.
WorkSample sample_of(int running, std::uint64_t queued, double waited, double computed, std::chrono::nanoseconds length = 50ms) {
  const auto part = [&](double share) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(length.count())));
  };
  return {.length = length,
          .busy = part(waited + computed),
          .computed = part(computed),
          .ended = static_cast<std::uint64_t>(100 * computed),
          .running = running,
          .queued = queued};
}

TEST(SelfSizeOfA, pool_stays_in_its_bounds) {
  SelfSize size({.min = 3, .max = 12}, 1);
  EXPECT_EQ(size.size(), 3);
  for (int look = 0; look < 100; ++look) EXPECT_LE(size.next(sample_of(size.size(), 1000, size.size(), 0), 2), 12);
  EXPECT_EQ(size.size(), 12);
  for (int look = 0; look < 100; ++look) EXPECT_GE(size.next(sample_of(size.size(), 1000, 0, 1), 1), 3);
  EXPECT_EQ(size.size(), 3);
}

TEST(SelfSizeOfA, pool_does_not_grow_without_tasks_that_wait_nor_beyond_them) {
  SelfSize size(kBounds, 4);
  for (int look = 0; look < 100; ++look) EXPECT_EQ(size.next(sample_of(4, 0, 4, 0), 2), 4);
  EXPECT_EQ(size.next(sample_of(4, 1, 4, 0), 2), 5);
  EXPECT_EQ(size.next(sample_of(3, 9, 3, 0), 2), 5);  // two of its workers are being started
  EXPECT_EQ(size.next(sample_of(5, 100, 5, 0), 2), 10);
}

TEST(SelfSizeOfA, pool_gives_up_what_no_task_has_needed_for_10_s_down_to_what_it_began_with) {
  SelfSize size(kBounds, 2);
  while (size.size() < 64) size.next(sample_of(size.size(), 1000, size.size(), 0), 2);
  EXPECT_FALSE(size.at_rest());
  for (int look = 0; look < 4 * 20; ++look) EXPECT_EQ(size.next(sample_of(7, 0, 7, 0), 2), 64);
  for (int look = 0; look < 12 * 20; ++look) size.next(sample_of(7, 0, 7, 0), 2);
  EXPECT_EQ(size.size(), 7);
  EXPECT_EQ(size.next({.length = 5s}, 2), 7);
  EXPECT_EQ(size.next({.length = 5s}, 2), 7);
  EXPECT_EQ(size.next({.length = 5s}, 2), 2);
  EXPECT_TRUE(size.at_rest());
}

TEST(SelfSizeOfA, pool_turns_round_a_second_after_its_last_change_at_the_earliest) {
  SelfSize size(kBounds, 2);
  size.next(sample_of(2, 1000, 2, 0), 2);
  EXPECT_EQ(size.size(), 4);
  for (int look = 0; look < 19; ++look) EXPECT_EQ(size.next(sample_of(4, 0, 0, 2), 2), 4);
  EXPECT_LT(size.next(sample_of(4, 0, 0, 2), 2), 4);
}

TEST(SelfSizeOfA, pool_that_could_not_be_made_larger_goes_on_from_what_there_is) {
  SelfSize size(kBounds, 10);
  EXPECT_EQ(size.next(sample_of(10, 1000, 10, 0), 2), 20);
  size.is_now(13);
  EXPECT_EQ(size.next(sample_of(13, 1000, 13, 0), 2), 26);
}

TEST(WorkMeterOf, workers_adds_up_what_they_did_since_the_last_look) {
  detail::WorkMeter meter;
  const auto begin = std::chrono::steady_clock::now();
  const auto look = [&](std::chrono::nanoseconds at, std::chrono::nanoseconds busy, detail::RunTimes times) {
    meter.begin(begin + at);
    meter.add(17, busy, times);
    return meter.end({.running = 1, .done = 3});
  };
  EXPECT_EQ(look(0ms, 500ms, {.computed = 300ms, .delayed = 100ms}).length, 0ms);
  EXPECT_EQ(meter.waited(), 0ms);
  const WorkSample second = look(50ms, 540ms, {.computed = 310ms, .delayed = 105ms});
  EXPECT_EQ(second.length, 50ms);
  EXPECT_EQ(second.busy, 40ms);
  EXPECT_EQ(second.computed, 10ms);
  EXPECT_EQ(second.delayed, 5ms);
  EXPECT_EQ(second.running, 1);
  EXPECT_EQ(second.ended, 0U);
  EXPECT_EQ(meter.waited(), 25ms);
  EXPECT_EQ(look(60ms, 550ms, {.computed = 320ms}).delayed, 0ms);  // it could not be read
  EXPECT_EQ(look(70ms, 560ms, {.computed = 330ms, .delayed = 107ms}).delayed, 2ms);
  EXPECT_EQ(look(100ms, 545ms, {.computed = 1ms, .delayed = 105ms}).busy, 0ms);  // another thread of that number
  meter.begin(begin + 150ms);
  meter.add(17, true, {.computed = 3ms, .delayed = 105ms});
  meter.add(18, true, {.computed = 3ms, .delayed = 105ms});
  EXPECT_EQ(meter.end({.done = 5}).busy, 50ms);
}

TEST(HillClimbing, needs_longer_and_changes_more) {
  const std::vector<Step> steps{{0, load_of(4)}};
  PoolSimulation ours(2, 2, load_of(4), 1);
  const SimulatedRun by_law = simulate(ours, steps, 20, SelfSizingControl(kBounds, 2));
  PoolSimulation theirs(2, 2, load_of(4), 1);
  const SimulatedRun by_climbing = simulate(theirs, steps, 20, HillClimbing({.min = 2, .max = 200}, 2, 1));
  EXPECT_GT(by_climbing.settled[0], 5 * by_law.settled[0]);
  EXPECT_GT(by_climbing.late_changes[0], 5 * by_law.late_changes[0]);
  EXPECT_LT(by_climbing.computed[0], by_law.computed[0]);
}

}  // namespace
}  // namespace pools::test
