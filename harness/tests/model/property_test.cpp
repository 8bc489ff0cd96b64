// Simulation, closed forms, bounds and an independent simulation, held against each other on random cases.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "harness/model/bounds.h"
#include "harness/model/closed_forms.h"
#include "harness/model/list_schedule.h"
#include "harness/model/shared_cores.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/random_cases.h"
#include "harness/tests/model/rational_simulation.h"
#include "harness/tests/model/tick_simulation.h"

namespace harness::model {
namespace {

using testing::kStrategies;
using testing::random_case;
using testing::show;

constexpr int kProperties = 1500;  // per strategy

void expect_same_times(const Prediction& expected, const Prediction& actual, const Case& c) {
  ASSERT_EQ(expected.tasks.size(), actual.tasks.size());
  EXPECT_EQ(expected.makespan_ns, actual.makespan_ns) << show(c);
  for (std::size_t i = 0; i < expected.tasks.size(); ++i) {
    EXPECT_EQ(expected.tasks[i].start_ns, actual.tasks[i].start_ns) << show(c) << " task " << i;
    EXPECT_EQ(expected.tasks[i].finish_ns, actual.tasks[i].finish_ns) << show(c) << " task " << i;
    EXPECT_EQ(expected.tasks[i].callback_start_ns, actual.tasks[i].callback_start_ns) << show(c) << " task " << i;
    EXPECT_EQ(expected.tasks[i].callback_finish_ns, actual.tasks[i].callback_finish_ns) << show(c) << " task " << i;
  }
}

class ModelProperty : public ::testing::TestWithParam<Strategy> {
 protected:
  std::mt19937_64 random_{20240607u + static_cast<unsigned>(GetParam())};
};

TEST_P(ModelProperty, the_simulation_agrees_with_a_clock_that_ticks) {
  for (int i = 0; i < kProperties && !HasFailure(); ++i) {
    const Case c = random_case(random_, GetParam());
    expect_same_times(testing::TickSimulation(c).run(), simulate(c), c);
  }
}

TEST_P(ModelProperty, the_event_engine_agrees_with_the_list_schedule_where_nothing_is_shared) {
  for (int i = 0; i < kProperties && !HasFailure(); ++i) {
    const Case c =
        random_case(random_, GetParam(), {.tasks = 40, .workers = 9, .longest = 30, .overheads = true, .compute = false});
    if (c.serial || c.strategy == Strategy::sync) continue;
    const Prediction lists = schedule_lists(c);
    const Prediction events = share_cores(c);
    expect_same_times(lists, events, c);
  }
}

TEST_P(ModelProperty, a_closed_form_within_its_domain_is_the_makespan) {
  int in_domain = 0;
  for (int i = 0; i < kProperties && !HasFailure(); ++i) {
    const Case c = random_case(random_, GetParam());
    const ClosedForm form = closed_form(c);
    EXPECT_EQ(form.value_ns, simulate(c).makespan_ns) << form.formula << ": " << show(c);
    EXPECT_EQ(form.in_domain, form.violated.empty()) << form.violated;
    EXPECT_EQ(form.in_domain, !form.binding_term.empty()) << form.formula;
    in_domain += form.in_domain;
  }
  EXPECT_GT(in_domain, kProperties / 10);
}

TEST_P(ModelProperty, the_makespan_lies_within_its_bounds) {
  for (int i = 0; i < kProperties && !HasFailure(); ++i) {
    const Case c =
        random_case(random_, GetParam(), {.tasks = 30, .workers = 7, .longest = 50, .overheads = true, .compute = i % 2 == 0});
    const Bounds bounds = makespan_bounds(c);
    const std::int64_t makespan = simulate(c).makespan_ns;
    EXPECT_LE(bounds.lower_ns, makespan) << show(c);
    EXPECT_GE(bounds.upper_ns, makespan) << show(c);
  }
}

TEST_P(ModelProperty, computing_on_as_many_cores_as_workers_is_waiting) {
  for (int i = 0; i < kProperties && !HasFailure(); ++i) {
    Case c = random_case(random_, GetParam(), {.tasks = 12, .workers = 5, .longest = 9, .overheads = true, .compute = true});
    for (auto* demands : {&c.tasks, &c.callbacks}) {
      for (Demand& demand : *demands) demand.locked = false;
    }
    c.cores = c.workers + c.parsers + 1;
    Case waiting = c;
    for (auto* demands : {&waiting.tasks, &waiting.callbacks}) {
      for (Demand& demand : *demands) demand = {.wait_ns = demand.service_ns(), .compute_ns = 0, .locked = false};
    }
    expect_same_times(simulate(waiting), simulate(c), c);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, ModelProperty, ::testing::ValuesIn(kStrategies),
                         [](const auto& param) { return std::string(name(param.param)); });

TEST(ModelProperties, fused_takes_as_long_as_worker_always) {
  std::mt19937_64 random(1);
  for (int i = 0; i < kProperties; ++i) {
    Case c = random_case(random, Strategy::worker, {.compute = i % 2 == 0});
    const std::int64_t worker = simulate(c).makespan_ns;
    c.strategy = Strategy::fused;
    ASSERT_EQ(simulate(c).makespan_ns, worker) << show(c);
  }
}

TEST(ModelProperties, one_parser_is_the_main_process) {
  std::mt19937_64 random(2);
  for (int i = 0; i < kProperties; ++i) {
    Case c = random_case(random, Strategy::extra, {.overheads = false});
    c.parsers = 1;
    const Prediction extra = simulate(c);
    c.strategy = Strategy::main;
    expect_same_times(simulate(c), extra, c);
  }
}

// "iff" both ways: in the domain the tutorial's formula is the makespan, outside it is not.
TEST(ModelProperties, the_tutorials_formulas_hold_exactly_where_their_predicates_say) {
  std::mt19937_64 random(3);
  int holds[4] = {};
  int fails[4] = {};
  for (int i = 0; i < 4 * kProperties; ++i) {
    Case c = random_case(random, Strategy::main, {.overheads = false});
    for (Demand& callback : c.callbacks) callback = c.callbacks.front();
    const auto makespan = [&c](Strategy strategy) {
      c.strategy = strategy;
      return simulate(c).makespan_ns;
    };
    const auto judge = [&](int which, const ClosedForm& form, std::int64_t actual) {
      ASSERT_EQ(form.in_domain, form.value_ns == actual) << form.formula << ": " << form.violated << ": " << show(c);
      ++(form.in_domain ? holds : fails)[which];
    };
    judge(0, tutorial_thread(c), makespan(Strategy::worker));
    judge(1, tutorial_process_different(c), makespan(Strategy::main));
    bool equal = true;
    for (const Demand& task : c.tasks) equal = equal && task.wait_ns == c.tasks.front().wait_ns;
    if (equal) judge(2, tutorial_process_equal(c), makespan(Strategy::main));
    judge(3, tutorial_remedy(c), makespan(Strategy::extra));
  }
  for (int which = 0; which < 4; ++which) {
    EXPECT_GT(holds[which], 100) << which;
    EXPECT_GT(fails[which], 100) << which;
  }
}

TEST(ModelProperties, the_fewest_parsers_are_enough_and_one_less_is_not) {
  std::mt19937_64 random(4);
  int more_than_one = 0;
  for (int i = 0; i < kProperties; ++i) {
    Case c =
        random_case(random, Strategy::extra, {.tasks = 14, .workers = 14, .longest = 12, .overheads = false, .compute = false});
    for (Demand& callback : c.callbacks) callback = c.callbacks.front();
    const std::vector<std::int64_t> completions = finish_times(c);
    const auto with = [&c](std::int64_t parsers) {
      c.parsers = static_cast<int>(parsers);
      return simulate(c).makespan_ns;
    };
    const std::int64_t unlimited = with(static_cast<std::int64_t>(c.tasks.size()));
    const std::int64_t fewest = fewest_parsers(completions, c.callbacks.front().wait_ns);
    ASSERT_EQ(with(fewest), unlimited) << show(c);
    if (fewest > 1) {
      ++more_than_one;
      ASSERT_GT(with(fewest - 1), unlimited) << show(c);
    }
  }
  EXPECT_GT(more_than_one, kProperties / 4);
}

TEST(ModelProperties, a_list_schedule_lies_within_grahams_bounds) {
  std::mt19937_64 random(5);
  for (int i = 0; i < kProperties; ++i) {
    const Case c =
        random_case(random, Strategy::none, {.tasks = 60, .workers = 9, .longest = 100, .overheads = false, .compute = false});
    std::vector<std::int64_t> services;
    for (const Demand& task : c.tasks) services.push_back(task.wait_ns);
    const Bounds bounds = graham(services, c.workers);
    const std::int64_t makespan = simulate(c).makespan_ns;
    ASSERT_LE(bounds.lower_ns, makespan) << show(c);
    ASSERT_GE(bounds.upper_ns, makespan) << show(c);
  }
}

TEST(SharedCores, agree_with_exact_fractions_to_the_nanosecond) {
  std::mt19937_64 random(6);
  int contended = 0;
  for (int i = 0; i < 2 * kProperties; ++i) {
    const Strategy strategy = i % 2 == 0 ? Strategy::none : Strategy::worker;
    Case c = random_case(random, strategy, {.tasks = 6, .workers = 4, .longest = 9, .overheads = false, .compute = true});
    c.serial = false;
    const std::vector<testing::Fraction> exact = testing::rational_ends(c);
    const Prediction prediction = simulate(c);
    contended += shares_cores(c);
    double last = 0;
    for (std::size_t t = 0; t < exact.size(); ++t) {
      last = std::max(last, exact[t].value());
      const TaskTimes& times = prediction.tasks[t];
      const std::int64_t end = strategy == Strategy::worker ? times.callback_finish_ns : times.finish_ns;
      ASSERT_LE(std::abs(static_cast<double>(end) - exact[t].value()), 0.5 + 1e-6) << show(c) << " task " << t;
    }
    ASSERT_LE(std::abs(static_cast<double>(prediction.makespan_ns) - last), 0.5 + 1e-6) << show(c);
  }
  EXPECT_GT(contended, kProperties);
}

TEST(SharedCores, of_pure_computation_agree_with_the_closed_form) {
  std::mt19937_64 random(7);
  for (int i = 0; i < kProperties; ++i) {
    Case c = random_case(random, Strategy::none,
                         {.tasks = 20, .workers = 1, .longest = 1'000'000, .overheads = false, .compute = false});
    c.serial = false;
    c.workers = static_cast<int>(c.tasks.size());
    c.cores = static_cast<int>(1 + testing::below(random, 5));
    const bool locked = testing::below(random, 3) == 0;
    for (Demand& task : c.tasks) task = {.wait_ns = 0, .compute_ns = task.wait_ns, .locked = locked};
    const ClosedForm form = closed_form(c);
    ASSERT_TRUE(form.in_domain || !shares_cores(c)) << form.violated;
    ASSERT_LE(std::abs(simulate(c).makespan_ns - form.value_ns), 1) << show(c);
  }
}

TEST(SharedCores, under_one_lock_serialise_threads_but_not_processes) {
  Case c;
  c.workers = 4;
  c.cores = 4;
  c.tasks.assign(4, {.wait_ns = 0, .compute_ns = 100, .locked = true});
  EXPECT_EQ(simulate(c).makespan_ns, 400);
  for (Demand& task : c.tasks) task.locked = false;
  EXPECT_EQ(simulate(c).makespan_ns, 100);
}

// Fluid throughput min(k/(W+C), P/C); identical deterministic tasks in lockstep reach less, never more.
TEST(SharedCores, never_exceed_the_fluid_throughput_of_mixed_tasks) {
  for (const std::int64_t ratio : {1, 4, 9}) {
    for (int workers = 1; workers <= 40; ++workers) {
      Case c;
      c.workers = workers;
      c.cores = 2;
      c.tasks.assign(200, {.wait_ns = ratio * 1000, .compute_ns = 1000, .locked = false});
      const auto makespan = static_cast<double>(simulate(c).makespan_ns);
      const double fluid = std::min(workers / (1000.0 * static_cast<double>(ratio + 1)), 2 / 1000.0);
      EXPECT_GE(makespan, 200 / fluid - 1) << "W/C=" << ratio << " k=" << workers;
      if (workers <= 2) {
        EXPECT_EQ(makespan, 200.0 / workers * 1000 * static_cast<double>(ratio + 1));
      }
    }
  }
}

}  // namespace
}  // namespace harness::model
