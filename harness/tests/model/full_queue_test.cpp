// A queue that is full: who finds it so is rejected, or run by who submits. The two simulations against each other, against a recursion that is
// written to be obviously right, and against the closed form of M/M/k/K.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "harness/model/arrivals.h"
#include "harness/model/list_schedule.h"
#include "harness/model/queueing.h"
#include "harness/model/shared_cores.h"
#include "harness/model/simulate.h"
#include "harness/tests/model/arriving_case.h"

namespace harness::model {
namespace {

using testing::ElementsAre;

constexpr Strategy kTakingPart[] = {Strategy::none,  Strategy::worker,  Strategy::main,        Strategy::extra,
                                    Strategy::fused, Strategy::collect, Strategy::as_completed};

Case full_queue(std::vector<std::int64_t> arrivals, const std::vector<std::int64_t>& waits_of_tasks, int workers, int queue,
                WhenFull when_full) {
  Case c = arriving(std::move(arrivals), waits_of_tasks, workers);
  c.queue = queue;
  c.when_full = when_full;
  return c;
}

TEST(FullQueue, RejectsWhoFindsSoManyWaiting) {
  const Case c = full_queue({0, 1, 2, 3, 100, 101}, {100, 50, 50, 50, 10, 10}, 1, 2, WhenFull::reject);
  const Prediction prediction = simulate(c);
  // At 100 a worker takes who waits first, and then there is room for who comes.
  EXPECT_THAT(starts_of(prediction), ElementsAre(0, 100, 150, kNever, 200, kNever));
  EXPECT_TRUE(prediction.tasks[3].rejected());
  EXPECT_FALSE(prediction.tasks[4].rejected());
  EXPECT_THAT(sojourns_ns(c, prediction), ElementsAre(100, 149, 198, kNever, 110, kNever));
  EXPECT_EQ(summarise_sojourns(c, prediction).max_ns, 198);
  EXPECT_EQ(summarise_sojourns(c, prediction).mean_ns, (100 + 149 + 198 + 110 + 2) / 4);
  EXPECT_EQ(prediction.makespan_ns, 210);
}

TEST(FullQueue, HasWhoSubmitsRunTheTask) {
  const Case c = full_queue({0, 1, 2, 3, 4}, {100, 50, 50, 50, 50}, 1, 1, WhenFull::caller_runs);
  const Prediction prediction = simulate(c);
  // The third is run at once by who submits, until 52; then the fourth comes, and so does the fifth at 102, when the second has begun.
  EXPECT_THAT(starts_of(prediction), ElementsAre(0, 100, 2, 52, 150));
  EXPECT_EQ(prediction.tasks[2].worker, 1);
  EXPECT_EQ(prediction.tasks[4].worker, 0);
  EXPECT_THAT(sojourns_ns(c, prediction), ElementsAre(100, 149, 50, 99, 196));
}

TEST(FullQueue, HasWhoSubmitsRunTheCallbackWhereTheWorkerWould) {
  Case c = full_queue({0, 1, 2, 3}, {100, 100, 10, 10}, 1, 1, WhenFull::caller_runs);
  c.callbacks = waits(std::vector<std::int64_t>(4, 5));
  c.strategy = Strategy::worker;
  EXPECT_THAT(starts_of(simulate(c)), ElementsAre(0, 105, 2, 17));
  c.strategy = Strategy::main;  // a thread of its own
  const Prediction prediction = simulate(c);
  EXPECT_THAT(starts_of(prediction), ElementsAre(0, 100, 2, 12));
  EXPECT_EQ(prediction.tasks[2].callback_start_ns, 12);
  c.strategy = Strategy::collect;  // who submits, when everything is submitted
  EXPECT_EQ(simulate(c).tasks[0].callback_start_ns, 100);
  c.tasks[0].wait_ns = c.tasks[1].wait_ns = 1;
  EXPECT_EQ(simulate(c).tasks[0].callback_start_ns, 3);
}

// Whoever is submitted looks at everybody before it.
Prediction looked_at_one_by_one(const Case& c) {
  Prediction prediction;
  std::vector<std::int64_t> worker_free(static_cast<std::size_t>(c.workers), 0);
  std::vector<std::int64_t> begins;  // of those admitted: when a worker takes them
  std::int64_t submitter_free = 0;
  for (std::size_t i = 0; i < c.tasks.size(); ++i) {
    const std::int64_t now = std::max(c.arrivals_ns[i], submitter_free) + c.overheads.submit_ns;
    submitter_free = now;
    const std::int64_t takes = c.overheads.dispatch_ns + c.tasks[i].service_ns();
    const auto waiting = std::count_if(begins.begin(), begins.end(), [&](std::int64_t begin) { return begin > now; });
    TaskTimes times;
    if (waiting < c.queue) {
      const auto worker = std::min_element(worker_free.begin(), worker_free.end());
      begins.push_back(std::max(*worker, now));
      times.start_ns = begins.back() + c.overheads.dispatch_ns;
      times.finish_ns = *worker = begins.back() + takes;
    } else if (c.when_full == WhenFull::caller_runs) {
      times.start_ns = now + c.overheads.dispatch_ns;
      times.finish_ns = submitter_free = now + takes;
    } else {
      times.start_ns = times.finish_ns = kNever;
    }
    prediction.tasks.push_back(times);
  }
  return prediction;
}

// Small numbers, so that ties and zeros abound.
Case random_full_queue(std::mt19937_64& random, Strategy strategy) {
  const auto below = [&random](std::uint64_t bound) { return static_cast<std::int64_t>(random() % bound); };
  Case c;
  c.strategy = strategy;
  c.workers = static_cast<int>(1 + below(4));
  c.parsers = static_cast<int>(1 + below(3));
  if (below(2) == 0) c.overheads = {below(4), below(3), below(4)};
  std::int64_t now = 0;
  for (std::int64_t left = 1 + below(30); left > 0; --left) {
    now += below(3) == 0 ? 0 : below(5);
    c.arrivals_ns.push_back(now);
    c.tasks.push_back({.wait_ns = below(3) == 0 ? 0 : below(13), .compute_ns = 0, .locked = false});
    c.callbacks.push_back({.wait_ns = below(3) == 0 ? 0 : below(13), .compute_ns = 0, .locked = false});
  }
  c.queue = 1 + below(4);
  c.when_full = random() % 2 == 0 ? WhenFull::reject : WhenFull::caller_runs;
  return c;
}

TEST(FullQueue, AgreesWithWhoLooksAtEverybodyBefore) {
  std::mt19937_64 random(13);
  int rejected = 0;
  for (int number = 0; number < 1500; ++number) {
    const Case c = random_full_queue(random, Strategy::none);
    const Prediction expected = looked_at_one_by_one(c);
    const Prediction actual = simulate(c);
    for (std::size_t task = 0; task < c.tasks.size(); ++task) {
      ASSERT_EQ(expected.tasks[task].start_ns, actual.tasks[task].start_ns)
          << name(c.strategy) << " case " << number << " task " << task;
      ASSERT_EQ(expected.tasks[task].finish_ns, actual.tasks[task].finish_ns)
          << name(c.strategy) << " case " << number << " task " << task;
      rejected += actual.tasks[task].rejected() ? 1 : 0;
    }
  }
  EXPECT_GT(rejected, 100);
}

TEST(FullQueue, IsTheSameInTheEventEngineWhereNothingIsShared) {
  std::mt19937_64 random(17);
  for (const Strategy strategy : kTakingPart) {
    for (int number = 0; number < 700; ++number) {
      const Case c = random_full_queue(random, strategy);
      const Prediction lists = schedule_lists(c);
      const Prediction events = share_cores(c);
      ASSERT_EQ(lists.makespan_ns, events.makespan_ns) << name(c.strategy) << " case " << number;
      for (std::size_t task = 0; task < c.tasks.size(); ++task) {
        ASSERT_EQ(lists.tasks[task].start_ns, events.tasks[task].start_ns)
            << name(c.strategy) << " case " << number << " task " << task;
        ASSERT_EQ(lists.tasks[task].finish_ns, events.tasks[task].finish_ns)
            << name(c.strategy) << " case " << number << " task " << task;
        ASSERT_EQ(lists.tasks[task].callback_start_ns, events.tasks[task].callback_start_ns)
            << name(c.strategy) << " case " << number << " task " << task;
        ASSERT_EQ(lists.tasks[task].callback_finish_ns, events.tasks[task].callback_finish_ns)
            << name(c.strategy) << " case " << number << " task " << task;
      }
    }
  }
}

TEST(FullQueue, IsFilledByTasksThatShareACore) {
  Case c = full_queue({0, 1, 2, 3, 400}, {0, 0, 0, 0, 0}, 2, 1, WhenFull::reject);
  for (Demand& task : c.tasks) task.compute_ns = 100;
  c.cores = 1;
  const Prediction prediction = simulate(c);
  EXPECT_EQ(prediction.tasks[0].finish_ns, 199);  // 1 alone, then half a core
  EXPECT_EQ(prediction.tasks[2].start_ns, 199);
  EXPECT_TRUE(prediction.tasks[3].rejected());
  EXPECT_EQ(prediction.tasks[4].start_ns, 400);
  c.when_full = WhenFull::caller_runs;
  EXPECT_EQ(simulate(c).tasks[3].start_ns, 3);  // a third that computes
  EXPECT_GT(simulate(c).tasks[0].finish_ns, 199);
}

// M/M/k/K with K - k places in the queue: who is rejected, and how long the others are there.
TEST(FullQueue, RejectsAsManyAsTheFormulaSays) {
  std::mt19937_64 random(19);
  std::exponential_distribution<double> unit(1);
  for (const int workers : {1, 3}) {
    Case c;
    c.workers = workers;
    c.queue = 4;
    double now = 0;
    constexpr double kLoad = 1.2;
    for (int i = 0; i < 200'000; ++i) {
      now += unit(random) * 1e6 / (kLoad * workers);
      c.arrivals_ns.push_back(std::llround(now));
      c.tasks.push_back({.wait_ns = std::llround(unit(random) * 1e6), .compute_ns = 0, .locked = false});
    }
    std::vector<std::int64_t> sojourns = sojourns_ns(c, simulate(c));
    const auto rejected = static_cast<double>(std::count(sojourns.begin(), sojourns.end(), kNever));
    const Rejecting formula = rejecting(kLoad * workers * 1e3, 1e3, workers, workers + static_cast<int>(c.queue));
    EXPECT_NEAR(rejected / static_cast<double>(sojourns.size()), formula.rejected, 0.01);
    const double mean_ns = formula.mean_sojourn * 1e9;
    EXPECT_NEAR(static_cast<double>(summarise_sojourns(std::move(sojourns)).mean_ns), mean_ns, 0.03 * mean_ns);
  }
}

TEST(FullQueue, IsRefusedWhereItHasNoMeaning) {
  const Case good = full_queue({0, 1}, {5, 5}, 1, 1, WhenFull::reject);
  EXPECT_NO_THROW(simulate(good));
  Case c = good;
  c.arrivals_ns.clear();
  EXPECT_THROW(simulate(c), std::invalid_argument);
  c = good;
  c.queue = -1;
  EXPECT_THROW(simulate(c), std::invalid_argument);
  c = good;
  c.executor = Executor::loop;
  EXPECT_THROW(simulate(c), std::invalid_argument);
  c = good;
  c.hop.latency_ns = 1;
  EXPECT_THROW(simulate(c), std::invalid_argument);
  c = good;
  c.serial = true;
  EXPECT_THROW(simulate(c), std::invalid_argument);
  c = good;
  c.coupled = true;
  EXPECT_THROW(simulate(c), std::invalid_argument);
}

}  // namespace
}  // namespace harness::model
