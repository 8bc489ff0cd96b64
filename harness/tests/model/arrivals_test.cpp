// Tasks that arrive: the simulation against an independent recursion, closed forms of queueing theory, and identities that hold exactly.

#include "harness/model/arrivals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "harness/model/bounds.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/arriving_case.h"

namespace harness::model {
namespace {

using testing::ElementsAre;

TEST(Arrivals, StartTasksWhenTheyAreThereAndAWorkerIsFree) {
  const Case c = arriving({10, 20, 20, 200}, {50, 50, 50, 50}, 2);
  const Prediction prediction = simulate(c);
  EXPECT_THAT(starts_of(prediction), ElementsAre(10, 20, 60, 200));
  EXPECT_EQ(prediction.makespan_ns, 240);  // from the first arrival
  EXPECT_THAT(sojourns_ns(c, prediction), ElementsAre(50, 50, 90, 50));
}

TEST(Arrivals, AllAtZeroAreABatch) {
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    Case batch;
    const std::size_t n = 1 + random() % 12;
    batch.workers = 1 + static_cast<int>(random() % 4);
    batch.cores = static_cast<int>(random() % 3);
    batch.parsers = 1 + static_cast<int>(random() % 3);
    batch.overheads.submit_ns = static_cast<std::int64_t>(random() % 2) * 3;
    batch.executor = random() % 3 == 0 ? Executor::loop : Executor::pool;
    constexpr Strategy kStrategies[] = {Strategy::none,  Strategy::worker,  Strategy::main,        Strategy::extra,
                                        Strategy::fused, Strategy::collect, Strategy::as_completed};
    batch.strategy = kStrategies[random() % std::size(kStrategies)];
    for (std::size_t task = 0; task < n; ++task) {
      batch.tasks.push_back({static_cast<std::int64_t>(random() % 100), static_cast<std::int64_t>(random() % 50), false});
      batch.callbacks.push_back({static_cast<std::int64_t>(random() % 40), static_cast<std::int64_t>(random() % 20), false});
    }
    Case at_once = batch;
    at_once.arrivals_ns.assign(n, 0);
    EXPECT_EQ(simulate(at_once).makespan_ns, simulate(batch).makespan_ns);
    EXPECT_EQ(starts_of(simulate(at_once)), starts_of(simulate(batch)));
  }
}

// W_{i+1} = max(0, W_i + S_i - A_i): one server's waiting times by Lindley (1952); of k servers the vector of Kiefer and Wolfowitz (1955).
std::vector<std::int64_t> kiefer_wolfowitz(const Case& c) {
  std::vector<std::int64_t> work(static_cast<std::size_t>(c.workers), 0);  // ascending
  std::vector<std::int64_t> waited;
  std::int64_t before = c.arrivals_ns.front();
  for (std::size_t i = 0; i < c.tasks.size(); ++i) {
    const std::int64_t gap = c.arrivals_ns[i] - before;
    before = c.arrivals_ns[i];
    for (std::int64_t& left : work) left = std::max<std::int64_t>(0, left - gap);
    std::sort(work.begin(), work.end());
    waited.push_back(work.front());
    work.front() += c.tasks[i].service_ns();
  }
  return waited;
}

Case random_queue(std::mt19937_64& random, int workers, std::size_t n, double load) {
  std::exponential_distribution<double> unit(1);
  std::vector<std::int64_t> arrivals, services;
  double now = 0;
  for (std::size_t i = 0; i < n; ++i) {
    now += unit(random) * 1000 / (load * workers);
    arrivals.push_back(std::llround(now * 1000));
    services.push_back(std::llround(unit(random) * 1e6));
  }
  return arriving(std::move(arrivals), std::move(services), workers);
}

TEST(Arrivals, AgreeWithTheRecursionOfKieferAndWolfowitz) {
  std::mt19937_64 random(7);
  for (const int workers : {1, 2, 3, 8}) {
    for (const double load : {0.3, 0.9, 1.5}) {
      const Case c = random_queue(random, workers, 2000, load);
      const Prediction prediction = simulate(c);
      const std::vector<std::int64_t> waited = kiefer_wolfowitz(c);
      for (std::size_t i = 0; i < waited.size(); ++i) {
        ASSERT_EQ(prediction.tasks[i].start_ns - c.arrivals_ns[i], waited[i]) << workers << ' ' << load << ' ' << i;
      }
    }
  }
}

// L = lambda W over an interval that begins and ends empty: the area below the number of clients is the sum of their sojourns.
TEST(Arrivals, ObeyLittlesLawExactly) {
  std::mt19937_64 random(3);
  for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::main}) {
    Case c = random_queue(random, 3, 500, 0.8);
    c.strategy = strategy;
    c.callbacks = waits(std::vector<std::int64_t>(c.tasks.size(), 100'000));
    const Prediction prediction = simulate(c);
    const std::vector<std::int64_t> sojourns = sojourns_ns(c, prediction);
    std::vector<std::pair<std::int64_t, int>> events;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < sojourns.size(); ++i) {
      events.emplace_back(c.arrivals_ns[i], 1);
      events.emplace_back(c.arrivals_ns[i] + sojourns[i], -1);
      sum += sojourns[i];
    }
    std::sort(events.begin(), events.end());
    std::int64_t area = 0;
    std::int64_t there = 0;
    for (std::size_t i = 0; i + 1 < events.size(); ++i) {
      there += events[i].second;
      area += there * (events[i + 1].first - events[i].first);
    }
    EXPECT_EQ(area, sum);
  }
}

// M/M/1 at rho = 0.7: a mean sojourn of 1/(mu - lambda), and sojourns that are exponential: p99 = ln(100)/(mu - lambda).
TEST(Arrivals, OfOneServerComeToWhatTheFormulaSays) {
  std::mt19937_64 random(11);
  const Case c = random_queue(random, 1, 400'000, 0.7);
  const SojournSummary summary = summarise_sojourns(sojourns_ns(c, simulate(c)));
  const double mean = 1e6 / (1 - 0.7);
  EXPECT_NEAR(static_cast<double>(summary.mean_ns), mean, 0.05 * mean);
  EXPECT_NEAR(static_cast<double>(summary.p99_ns), mean * std::log(100.0), 0.08 * mean * std::log(100.0));
}

TEST(Arrivals, PassOneSubmittingThread) {
  Case c = arriving({0, 0, 5, 100}, {10, 10, 10, 10}, 4);
  c.overheads.submit_ns = 7;
  EXPECT_THAT(submitted_ns(c), ElementsAre(7, 14, 21, 107));
  EXPECT_THAT(starts_of(simulate(c)), ElementsAre(7, 14, 21, 107));
}

TEST(Arrivals, AreServedOneAfterAnotherInline) {
  Case c = arriving({0, 5, 100}, {10, 10, 10}, 1);
  c.serial = true;
  EXPECT_THAT(starts_of(simulate(c)), ElementsAre(0, 10, 100));
}

TEST(Arrivals, ShareCores) {
  Case c = arriving({0, 10, 1000}, {0, 0, 0}, 3);
  for (Demand& task : c.tasks) task.compute_ns = 100;
  c.cores = 1;
  const Prediction prediction = simulate(c);
  EXPECT_EQ(prediction.tasks[0].finish_ns, 190);  // 10 alone, then half a core each: 90 more take 180
  EXPECT_EQ(prediction.tasks[1].finish_ns, 200);
  EXPECT_EQ(prediction.tasks[2].finish_ns, 1100);
}

TEST(Arrivals, WaitForRoomOnALoop) {
  Case c = arriving({0, 10, 10, 500}, {100, 100, 100, 100}, 1);
  c.executor = Executor::loop;
  c.in_flight = 2;
  EXPECT_THAT(starts_of(simulate(c)), ElementsAre(0, 10, 100, 500));
}

// One manager dispatches and runs callbacks: a task that comes while it does waits for it, though a worker is idle.
TEST(Arrivals, WakeTheManagerThatDispatches) {
  Case c = arriving({0, 5, 30, 31}, {10, 10, 10, 10}, 2);
  c.coupled = true;
  c.strategy = Strategy::main;
  c.callbacks = waits(std::vector<std::int64_t>(4, 40));
  const Prediction prediction = simulate(c);
  EXPECT_THAT(starts_of(prediction), ElementsAre(0, 5, 50, 50));
  EXPECT_EQ(prediction.tasks[1].callback_start_ns, 50);
}

TEST(Arrivals, AreRefusedWhereTheyHaveNoMeaning) {
  EXPECT_THROW(simulate(arriving({0}, {1, 1}, 1)), std::invalid_argument);
  EXPECT_THROW(simulate(arriving({5, 4}, {1, 1}, 1)), std::invalid_argument);
  EXPECT_THROW(simulate(arriving({-1, 4}, {1, 1}, 1)), std::invalid_argument);
  for (const Strategy strategy : {Strategy::sync, Strategy::map}) {
    Case c = arriving({0, 4}, {1, 1}, 1);
    c.strategy = strategy;
    c.callbacks = c.tasks;
    EXPECT_THROW(simulate(c), std::invalid_argument);
  }
  EXPECT_THROW(simulate(arriving({0, INT64_MAX}, {1, 1}, 1)), std::overflow_error);
}

TEST(Arrivals, KeepToTheBounds) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 100; ++i) {
    Case c = random_queue(random, 1 + i % 4, 20, 0.7);
    c.strategy = i % 2 == 0 ? Strategy::none : Strategy::main;
    c.callbacks = c.tasks;
    const Bounds bounds = makespan_bounds(c);
    const std::int64_t makespan = simulate(c).makespan_ns;
    EXPECT_LE(bounds.lower_ns, makespan);
    EXPECT_GE(bounds.upper_ns, makespan);
  }
}

TEST(NearestRank, IsAValueThatIsThere) {
  std::vector<std::int64_t> hundred(100);
  for (std::size_t i = 0; i < 100; ++i) hundred[i] = static_cast<std::int64_t>(i) + 1;
  EXPECT_EQ(nearest_rank(hundred, 0.99), 99);
  EXPECT_EQ(nearest_rank(hundred, 0.5), 50);
  EXPECT_EQ(nearest_rank(hundred, 0.991), 100);
  EXPECT_EQ(nearest_rank(hundred, 1), 100);
  EXPECT_EQ(nearest_rank({7}, 0.01), 7);
  EXPECT_EQ(nearest_rank({1, 2, 3}, 0.95), 3);
}

// A million arrivals in under a second is shown by the benchmark `arrivals`.

}  // namespace
}  // namespace harness::model
