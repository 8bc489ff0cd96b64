// What is read off a prediction - the critical path, the number of parsers worth having - and the oracles for what the
// ticking clock of model_property_test.cpp does not know: coupled dispatch, callbacks behind tasks that share cores.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "harness/model/bounds.h"
#include "harness/model/critical_path.h"
#include "harness/model/parsers.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/coupled_simulation.h"
#include "harness/tests/model/chains.h"
#include "harness/tests/model/random_cases.h"
#include "harness/tests/model/rational_simulation.h"

namespace harness::model {
namespace {

using testing::below;
using testing::expect_from_0_to_the_makespan;
using testing::kStrategies;
using testing::random_case;
using testing::show;

constexpr int kCriticalPaths = 1500;

// From 0 to the makespan without a gap, each link an activity that the prediction has.
void expect_a_chain(const Case& c, const Prediction& prediction) {
  const std::vector<Link> path = critical_path(c, prediction);
  expect_from_0_to_the_makespan(c, prediction, path);
  for (const Link& link : path) {
    const TaskTimes& times = prediction.tasks.at(link.task);
    if (link.activity == Activity::task) {
      EXPECT_EQ(link.start_ns, times.start_ns) << show(c);
      EXPECT_EQ(link.finish_ns, times.finish_ns) << show(c);
      EXPECT_EQ(link.alone_ns, c.tasks[link.task].service_ns()) << show(c);
    } else if (link.activity == Activity::callback) {
      EXPECT_EQ(link.start_ns, times.callback_start_ns) << show(c);
      EXPECT_EQ(link.finish_ns, times.callback_finish_ns) << show(c);
    } else {
      EXPECT_GE(link.alone_ns, 0) << show(c);
      EXPECT_LE(link.finish_ns - link.start_ns, link.alone_ns) << show(c);
    }
  }
}

class CriticalPath : public ::testing::TestWithParam<Strategy> {
 protected:
  std::mt19937_64 random_{777u + static_cast<unsigned>(GetParam())};
};

TEST_P(CriticalPath, leads_from_the_first_submit_to_the_makespan_without_a_gap) {
  for (int i = 0; i < 2 * kCriticalPaths && !HasFailure(); ++i) {
    const Case c =
        random_case(random_, GetParam(), {.tasks = 14, .workers = 5, .longest = 9, .overheads = true, .compute = i % 3 == 0});
    expect_a_chain(c, simulate(c));
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, CriticalPath, ::testing::ValuesIn(kStrategies),
                         [](const auto& param) { return std::string(name(param.param)); });

Case coupled_case(std::mt19937_64& random, int turn) {
  Case c = random_case(random, turn % 4 == 0 ? Strategy::none : Strategy::main);
  c.serial = false;
  c.coupled = true;
  c.overheads.submit_ns = 0;
  return c;
}

TEST(CoupledDispatch, agrees_with_a_clock_that_ticks) {
  std::mt19937_64 random(8);
  int starved = 0;
  for (int i = 0; i < 3 * kCriticalPaths && !HasFailure(); ++i) {
    Case c = coupled_case(random, i);
    const Prediction expected = testing::coupled_by_ticks(c);
    const Prediction actual = simulate(c);
    EXPECT_EQ(expected.makespan_ns, actual.makespan_ns) << show(c);
    for (std::size_t t = 0; t < c.tasks.size(); ++t) {
      EXPECT_EQ(expected.tasks[t].start_ns, actual.tasks[t].start_ns) << show(c) << " task " << t;
      EXPECT_EQ(expected.tasks[t].finish_ns, actual.tasks[t].finish_ns) << show(c) << " task " << t;
      EXPECT_EQ(expected.tasks[t].callback_finish_ns, actual.tasks[t].callback_finish_ns) << show(c) << " task " << t;
    }
    c.coupled = false;
    starved += simulate(c).makespan_ns < actual.makespan_ns;
  }
  EXPECT_GT(starved, kCriticalPaths / 20);
}

TEST(CoupledDispatch, has_a_critical_path_too) {
  std::mt19937_64 random(9);
  for (int i = 0; i < kCriticalPaths && !HasFailure(); ++i) {
    const Case c = coupled_case(random, i);
    expect_a_chain(c, simulate(c));
  }
}

// Stage 2 in exact fractions behind rational_simulation.h's stage 1: callbacks that wait, on m servers.
TEST(SharedCores, feed_callbacks_as_exact_fractions_do) {
  std::mt19937_64 random(10);
  int contended = 0;
  constexpr Strategy kStaged[] = {Strategy::main, Strategy::extra, Strategy::as_completed, Strategy::collect};
  for (int i = 0; i < 2 * kCriticalPaths; ++i) {
    Case c = random_case(random, kStaged[i % 4], {.tasks = 6, .workers = 4, .longest = 9, .overheads = false, .compute = true});
    for (Demand& callback : c.callbacks) callback = {.wait_ns = callback.service_ns(), .compute_ns = 0, .locked = false};
    contended += shares_cores(c);
    Case stage1 = c;
    stage1.strategy = Strategy::none;
    const std::vector<testing::Fraction> ends = testing::rational_ends(stage1);
    std::vector<std::size_t> order(ends.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (c.strategy != Strategy::collect) {
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return ends[a] < ends[b]; });
    }
    std::vector<testing::Fraction> servers(c.strategy == Strategy::extra ? static_cast<std::size_t>(c.parsers) : 1);
    testing::Fraction last;
    for (const std::size_t task : order) {
      auto server = std::min_element(servers.begin(), servers.end());
      if (*server < ends[task]) *server = ends[task];
      *server = *server + testing::Fraction{c.callbacks[task].wait_ns, 1};
      if (last < *server) last = *server;
    }
    for (const testing::Fraction& end : ends) {
      if (last < end) last = end;
    }
    ASSERT_LE(std::abs(static_cast<double>(simulate(c).makespan_ns) - last.value()), 0.5 + 1e-6) << show(c);
  }
  EXPECT_GT(contended, kCriticalPaths);
}

TEST(EnoughParsers, reach_the_makespan_of_unlimited_ones_and_one_less_does_not) {
  std::mt19937_64 random(11);
  int more_than_one = 0;
  for (int i = 0; i < kCriticalPaths; ++i) {
    Case c = random_case(random, Strategy::extra,
                         {.tasks = 14, .workers = 14, .longest = 12, .overheads = true, .compute = i % 5 == 0});
    const int enough = enough_parsers(c);
    const auto with = [&c](int parsers) {
      c.parsers = parsers;
      return simulate(c).makespan_ns;
    };
    const std::int64_t unlimited = with(static_cast<int>(c.tasks.size()));
    ASSERT_LE(with(enough), unlimited) << show(c);
    more_than_one += enough > 1;
    for (int fewer = 1; fewer < enough; ++fewer) ASSERT_GT(with(fewer), unlimited) << show(c) << " m=" << fewer;
  }
  EXPECT_GT(more_than_one, kCriticalPaths / 4);
}

TEST(EnoughParsers, of_equal_callbacks_are_what_the_formula_says) {
  std::mt19937_64 random(12);
  for (int i = 0; i < kCriticalPaths; ++i) {
    Case c =
        random_case(random, Strategy::extra, {.tasks = 14, .workers = 14, .longest = 12, .overheads = false, .compute = false});
    for (Demand& callback : c.callbacks) callback = c.callbacks.front();
    ASSERT_EQ(enough_parsers(c), fewest_parsers(finish_times(c), c.callbacks.front().wait_ns)) << show(c);
  }
}

}  // namespace
}  // namespace harness::model
