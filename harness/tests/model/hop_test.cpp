// Workers on other hosts: both simulations against a naive one and against each other, the closed forms against both, and the break-even against
// a search.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "harness/model/bounds.h"
#include "harness/model/closed_forms.h"
#include "harness/model/hop_forms.h"
#include "harness/model/simulate.h"

namespace harness::model {
namespace {

struct Drawn {
  Case c;
  Case computing;  // the same, but that its tasks compute, on cores enough: another simulation
};

class Hops : public testing::Test {
 protected:
  std::int64_t up_to(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random_); }

  Drawn draw(Strategy strategy, bool equal) {
    Case c;
    c.strategy = strategy;
    c.workers = static_cast<int>(1 + up_to(4));
    c.parsers = static_cast<int>(1 + up_to(2));
    c.chunksize = strategy == Strategy::map ? 1 + up_to(3) : 1;
    c.hop = {.latency_ns = up_to(30), .request_ns = up_to(2) * up_to(20), .answer_ns = up_to(2) * up_to(20)};
    if (up_to(1) == 0) c.hop.window = c.workers + up_to(6);
    const std::int64_t n = 1 + up_to(14);
    const std::int64_t t = up_to(60);
    const std::int64_t callback = up_to(20);
    for (std::int64_t i = 0; i < n; ++i) {
      c.tasks.push_back({.wait_ns = equal ? t : up_to(60)});
      c.callbacks.push_back({.wait_ns = equal ? callback : up_to(20)});
    }
    Case computing = c;
    computing.cores = 1000;
    for (Demand& task : computing.tasks) task = {.compute_ns = task.wait_ns};
    return {c, computing};
  }

  std::mt19937_64 random_{14};
};

// Tick by tick, `none` and `worker` without costs of submits: who is where at each instant.
std::vector<std::int64_t> ends_of(const Case& c) {
  const bool by_worker = c.strategy == Strategy::worker;
  const std::size_t n = c.tasks.size();
  std::vector<std::int64_t> arrived(n);
  std::vector<std::int64_t> end(n, -1);
  std::vector<std::int64_t> answered(n, -1);
  std::int64_t link = 0;
  for (std::size_t i = 0; i < n; ++i) arrived[i] = (link += c.hop.request_ns) + c.hop.latency_ns;
  std::vector<std::int64_t> busy_until(static_cast<std::size_t>(c.workers), 0);
  std::int64_t link_back = 0;
  std::size_t next = 0;
  std::vector<std::size_t> waiting_to_return;
  for (std::int64_t now = 0; now < 100'000; ++now) {
    bool again = true;
    while (again) {  // what takes no time
      again = false;
      for (std::size_t i = 0; i < next; ++i) {
        if (end[i] != now || answered[i] >= 0 || std::count(waiting_to_return.begin(), waiting_to_return.end(), i) > 0) continue;
        link_back = std::max(link_back, now) + c.hop.answer_ns;
        answered[i] = link_back + c.hop.latency_ns;
        waiting_to_return.push_back(i);
      }
      if (next == n || arrived[next] > now) continue;
      if (c.hop.window > 0) {
        const auto known = std::count_if(answered.begin(), answered.end(),
                                         [&](std::int64_t at) { return at >= 0 && at + c.hop.latency_ns <= now; });
        if (static_cast<std::int64_t>(next) - known >= c.hop.window) continue;
      }
      const auto idle = std::find_if(busy_until.begin(), busy_until.end(), [&](std::int64_t until) { return until <= now; });
      if (idle == busy_until.end()) continue;
      end[next] = now + c.tasks[next].service_ns() + (by_worker ? c.callbacks[next].service_ns() : 0);
      *idle = end[next];
      ++next;
      again = true;
    }
  }
  return end;
}

TEST_F(Hops, AreSimulatedAsWhoeverLooksAtEachInstantSeesThem) {
  for (int round = 0; round < 60; ++round) {
    const Drawn drawn = draw(round % 2 == 0 ? Strategy::none : Strategy::worker, false);
    const std::vector<std::int64_t> expected = ends_of(drawn.c);
    for (const Case& c : {drawn.c, drawn.computing}) {
      const Prediction prediction = simulate(c);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const TaskTimes& times = prediction.tasks[i];
        EXPECT_EQ(c.strategy == Strategy::none ? times.finish_ns : times.callback_finish_ns, expected[i])
            << round << ", task " << i;
      }
      EXPECT_EQ(prediction.makespan_ns, *std::max_element(expected.begin(), expected.end()));
    }
  }
}

TEST_F(Hops, AreTheSameForTasksThatWaitAndThatComputeOnCoresEnough) {
  for (int round = 0; round < 400; ++round) {
    for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::main, Strategy::extra, Strategy::fused,
                                    Strategy::sync, Strategy::collect, Strategy::as_completed, Strategy::map}) {
      const Drawn drawn = draw(strategy, false);
      const Prediction waits = simulate(drawn.c);
      const Prediction computes = simulate(drawn.computing);
      ASSERT_EQ(waits.makespan_ns, computes.makespan_ns) << name(strategy) << ' ' << round;
      const Bounds bounds = makespan_bounds(drawn.c);
      ASSERT_LE(bounds.lower_ns, waits.makespan_ns) << name(strategy) << ' ' << round;
      ASSERT_GE(bounds.upper_ns, waits.makespan_ns) << name(strategy) << ' ' << round;
    }
  }
}

TEST_F(Hops, OfNoLengthAreNone) {
  Drawn drawn = draw(Strategy::main, false);
  drawn.c.hop = {.window = 1};
  Case here = drawn.c;
  here.hop = {};
  EXPECT_EQ(simulate(drawn.c).makespan_ns, simulate(here).makespan_ns);
}

TEST_F(Hops, HaveClosedFormsThatAreExact) {
  int in_domain = 0;
  for (int round = 0; round < 1000; ++round) {
    for (const Strategy strategy : {Strategy::none, Strategy::worker, Strategy::sync}) {
      Drawn drawn = draw(strategy, true);
      if (round % 4 == 0) drawn.c.hop = {.latency_ns = 1 + up_to(30), .window = drawn.c.workers};
      if (!drawn.c.hop.any()) continue;
      const ClosedForm form = closed_form(drawn.c);
      in_domain += form.in_domain ? 1 : 0;
      ASSERT_EQ(form.value_ns, simulate(drawn.c).makespan_ns) << form.formula << ' ' << round;
    }
  }
  EXPECT_GT(in_domain, 1500);
}

TEST_F(Hops, ThereAndBackIsWhenTheCallerHasCollectedAll) {
  for (int round = 0; round < 1000; ++round) {
    Drawn drawn = draw(Strategy::collect, true);
    Case& c = drawn.c;
    c.hop.window = 0;
    for (Demand& callback : c.callbacks) callback = {};
    const auto n = static_cast<std::int64_t>(c.tasks.size());
    ASSERT_EQ(away_and_back_ns(n, c.tasks[0].wait_ns, c.workers, c.hop), simulate(c).makespan_ns) << round;
  }
}

TEST_F(Hops, AreWorthItFromTheBreakEvenOnAndNotBefore) {
  int pays = 0;
  for (int round = 0; round < 500; ++round) {
    const Hop hop{.latency_ns = up_to(50), .request_ns = up_to(10), .answer_ns = up_to(10)};
    const std::int64_t n = 1 + up_to(40);
    const int here = static_cast<int>(1 + up_to(4));
    const int there = static_cast<int>(1 + up_to(8));
    const auto is_worth_it = [&](std::int64_t t) { return away_and_back_ns(n, t, there, hop) <= (n + here - 1) / here * t; };
    const std::optional<std::int64_t> from = break_even_ns(n, here, there, hop);
    if (!from) {
      ASSERT_TRUE(!is_worth_it(1'000'000) || hop.latency_ns + hop.request_ns + hop.answer_ns == 0) << round;
      continue;
    }
    ++pays;
    ASSERT_TRUE(is_worth_it(*from) && is_worth_it(*from + 1) && is_worth_it(1'000'000)) << round;
    ASSERT_TRUE(*from == 0 || !is_worth_it(*from - 1)) << round;
  }
  EXPECT_GT(pays, 100);
}

TEST_F(Hops, InTheLongRunOnlyTheLinkCounts) {
  const Hop hop{.latency_ns = 1000, .request_ns = 3, .answer_ns = 7};
  EXPECT_EQ(break_even_in_the_long_run_ns(4, 8, hop), 28);
  EXPECT_EQ(break_even_in_the_long_run_ns(4, 4, hop), std::nullopt);
  EXPECT_NEAR(static_cast<double>(*break_even_ns(4'000'000, 4, 8, hop)), 28, 0.1 + 1);
}

TEST_F(Hops, ThatMakeNoSenseAreRefused) {
  Case c;
  c.tasks = {{.wait_ns = 1}};
  c.hop.latency_ns = -1;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.hop = {.latency_ns = 1};
  c.serial = true;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.serial = false;
  c.workers = 3;
  c.hop.window = 2;
  EXPECT_THROW(check(c), std::invalid_argument);
  c.hop.window = 3;
  c.hop.request_ns = std::numeric_limits<std::int64_t>::max();
  EXPECT_THROW(check(c), std::overflow_error);
}

}  // namespace
}  // namespace harness::model
