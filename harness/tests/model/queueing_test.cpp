// Queueing theory's closed forms: against published values, against each other, and against the simulation.

#include "harness/model/queueing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "harness/model/arrivals.h"
#include "harness/model/simulate.h"

namespace harness::model {
namespace {

// By the definition, sums and factorials.
double erlang_b_by_sums(double a, int k) {
  double term = 1;
  double sum = 1;
  for (int j = 1; j <= k; ++j) sum += term *= a / j;
  return term / sum;
}

TEST(Erlang, AgreesWithTheDefinitionAndWithTables) {
  for (const double a : {0.0, 0.1, 1.0, 5.0, 9.5}) {
    for (const int k : {1, 2, 5, 10, 40}) EXPECT_NEAR(erlang_b(a, k), erlang_b_by_sums(a, k), 1e-12) << a << ' ' << k;
  }
  // Tables of Erlang B: 1 % is lost at 4.461 Erlang on 10 lines, at 84.06 on 100.
  EXPECT_NEAR(erlang_b(4.461, 10), 0.01, 5e-5);
  EXPECT_NEAR(erlang_b(84.064, 100), 0.01, 5e-5);
  EXPECT_NEAR(erlang_c(0.7, 1), 0.7, 1e-12);  // M/M/1: rho
  EXPECT_NEAR(erlang_c(2.0, 3), 4.0 / 9, 1e-12);
  EXPECT_EQ(erlang_c(0, 4), 0);
}

TEST(MMk, OfOneServerIsMM1) {
  const MMk queue{70, 100, 1};
  EXPECT_NEAR(queue.mean_wait(), 0.7 / 30, 1e-12);
  EXPECT_NEAR(queue.sojourn_quantile(0.99), std::log(100.0) / 30, 1e-9);
  EXPECT_NEAR(queue.stays_longer(0.1), std::exp(-3.0), 1e-12);
  EXPECT_NEAR(pollaczek_khinchine(70, 100, 1), queue.mean_wait(), 1e-12);
  EXPECT_NEAR(pollaczek_khinchine(70, 100, 0), queue.mean_wait() / 2, 1e-12);  // M/D/1 waits half as long
}

TEST(MMk, QuantilesInvertTheTail) {
  for (const MMk& queue :
       {MMk{300, 50, 8}, MMk{10, 20, 2}, MMk{10, 10, 2}, MMk{1e-3, 1, 1}}) {  // drain = mu in the second and third
    for (const double q : {0.5, 0.95, 0.99, 0.999}) {
      EXPECT_NEAR(queue.stays_longer(queue.sojourn_quantile(q)), 1 - q, 1e-9);
      const double wait = queue.wait_quantile(q);
      if (wait > 0)
        EXPECT_NEAR(queue.waits_longer(wait), 1 - q, 1e-12);
      else
        EXPECT_LE(queue.waits(), 1 - q);
    }
  }
}

TEST(Kimura, IsExactForOneServerAndForExponentialServices) {
  for (const double scv : {0.0, 0.3, 1.0, 4.0, 9.3}) {
    EXPECT_NEAR(kimura({70, 100, 1}, scv), pollaczek_khinchine(70, 100, scv), 1e-12) << scv;
  }
  for (const MMk& queue : {MMk{700, 100, 8}, MMk{10, 100, 2}, MMk{3900, 100, 40}}) {
    EXPECT_NEAR(kimura(queue, 1), queue.mean_wait(), 1e-9 * queue.mean_wait());
    EXPECT_NEAR(kimura(queue, 0), deterministic_wait(queue), 1e-9 * queue.mean_wait());
    EXPECT_GT(deterministic_wait(queue), queue.mean_wait() / 2);  // Lee and Longton's
    EXPECT_LE(deterministic_wait(queue), 0.62 * queue.mean_wait());
    double less = 0;  // the more services vary the longer clients wait
    for (const double scv : {0.0, 0.5, 1.0, 2.0, 10.0}) {
      EXPECT_GT(kimura(queue, scv), less);
      less = kimura(queue, scv);
    }
    EXPECT_LT(kimura(queue, 4), lee_longton(queue, 4));  // above 1 it is the lower of the two, below 1 the higher
    EXPECT_GT(kimura(queue, 0.5), lee_longton(queue, 0.5));
  }
}

// E W of M/D/k with services of 1, exactly: who is there a service later is who was too many for the servers, and who has come since (Crommelin 1932).
double exact_deterministic_wait(double lambda, int k) {
  constexpr int kMost = 400;
  std::vector<double> come(kMost);
  for (int j = 0; j < kMost; ++j)
    come[static_cast<std::size_t>(j)] = std::exp(-lambda + j * std::log(lambda) - std::lgamma(j + 1));
  std::vector<double> there(kMost, 0.0);
  there[0] = 1;
  for (double moved = 1; moved > 1e-12;) {
    std::vector<double> next(kMost, 0.0);
    double sum = 0;
    for (int before = 0; before < kMost; ++before) {
      const int left = std::max(before - k, 0);
      for (int j = 0; left + j < kMost; ++j) {
        next[static_cast<std::size_t>(left + j)] += there[static_cast<std::size_t>(before)] * come[static_cast<std::size_t>(j)];
      }
    }
    for (const double p : next) sum += p;
    moved = 0;
    for (std::size_t i = 0; i < next.size(); ++i) moved += std::abs(next[i] / sum - there[i]);
    for (std::size_t i = 0; i < next.size(); ++i) there[i] = next[i] / sum;
  }
  double waiting = 0;
  for (int i = k; i < kMost; ++i) waiting += (i - k) * there[static_cast<std::size_t>(i)];
  return waiting / lambda;
}

TEST(Kimura, HasNearlyTheExactWaitForEqualServices) {
  for (const auto& [rho, k] : {std::pair{0.5, 2}, {0.8, 5}, {0.5, 8}, {0.9, 8}, {0.9, 40}}) {
    const double exact = exact_deterministic_wait(rho * k, k);
    EXPECT_NEAR(deterministic_wait({rho * k, 1, k}), exact, 0.02 * exact) << rho << ' ' << k;
  }
}

TEST(Rejecting, IsErlangBWithoutRoomAndMMkWithALot) {
  EXPECT_NEAR(rejecting(3, 1, 4, 4).rejected, erlang_b(3, 4), 1e-12);
  const MMk queue{3, 1, 4};
  const Rejecting roomy = rejecting(3, 1, 4, 2000);
  EXPECT_NEAR(roomy.rejected, 0, 1e-12);
  EXPECT_NEAR(roomy.mean_sojourn, queue.mean_wait() + 1, 1e-9);
  const Rejecting overloaded = rejecting(100, 1, 4, 5000);  // beyond what a double would hold unscaled
  EXPECT_NEAR(overloaded.throughput, 4, 1e-9);
  EXPECT_NEAR(overloaded.mean_clients, 5000, 1);
}

TEST(Queueing, RefusesWhatIsOutsideTheDomain) {
  EXPECT_THROW(erlang_c(4, 4), std::invalid_argument);
  EXPECT_THROW(erlang_b(-1, 4), std::invalid_argument);
  EXPECT_THROW(erlang_b(std::nan(""), 4), std::invalid_argument);
  EXPECT_THROW((void)(MMk{4, 1, 4}.mean_wait()), std::invalid_argument);
  EXPECT_THROW((void)(MMk{1, 1, 4}.wait_quantile(1)), std::invalid_argument);
  EXPECT_THROW(pollaczek_khinchine(2, 1, 1), std::invalid_argument);
  EXPECT_THROW(rejecting(1, 1, 4, 3), std::invalid_argument);
  EXPECT_THROW(deterministic_wait({4, 1, 4}), std::invalid_argument);
  EXPECT_THROW(kimura({1, 1, 4}, -1), std::invalid_argument);
}

Case queue_of(std::mt19937_64& random, const MMk& queue, std::size_t n, double scv) {
  std::exponential_distribution<double> unit(1);
  Case c;
  c.workers = queue.k;
  double now = 0;
  for (std::size_t i = 0; i < n; ++i) {
    now += unit(random) / queue.lambda;
    c.arrivals_ns.push_back(std::llround(now * 1e9));
    const double service = (scv > 0 ? unit(random) : 1.0) / queue.mu;
    c.tasks.push_back({std::llround(service * 1e9), 0, false});
  }
  return c;
}

TEST(Queueing, IsWhatTheSimulationComesTo) {
  std::mt19937_64 random(20260101);
  for (const MMk& queue : {MMk{800, 1000, 1}, MMk{1500, 1000, 2}, MMk{6000, 1000, 8}}) {
    const Case c = queue_of(random, queue, 400'000, 1);
    const SojournSummary summary = summarise_sojourns(sojourns_ns(c, simulate(c)));
    const double mean = (queue.mean_wait() + 1 / queue.mu) * 1e9;
    EXPECT_NEAR(static_cast<double>(summary.mean_ns), mean, 0.05 * mean);
    EXPECT_NEAR(static_cast<double>(summary.p50_ns), queue.sojourn_quantile(0.5) * 1e9, 0.05 * queue.sojourn_quantile(0.5) * 1e9);
    EXPECT_NEAR(static_cast<double>(summary.p99_ns), queue.sojourn_quantile(0.99) * 1e9,
                0.1 * queue.sojourn_quantile(0.99) * 1e9);
  }
  const MMk one{800, 1000, 1};
  const Case equal = queue_of(random, one, 400'000, 0);  // M/D/1
  const SojournSummary summary = summarise_sojourns(sojourns_ns(equal, simulate(equal)));
  const double mean = (pollaczek_khinchine(800, 1000, 0) + 1e-3) * 1e9;
  EXPECT_NEAR(static_cast<double>(summary.mean_ns), mean, 0.04 * mean);
  const MMk four{3200, 1000, 4};
  const Case four_equal = queue_of(random, four, 400'000, 0);
  const SojournSummary of_four = summarise_sojourns(sojourns_ns(four_equal, simulate(four_equal)));
  const double about = (lee_longton(four, 0) + 1e-3) * 1e9;  // an approximation
  EXPECT_NEAR(static_cast<double>(of_four.mean_ns), about, 0.1 * about);
  const double nearer = (kimura(four, 0) + 1e-3) * 1e9;
  EXPECT_NEAR(static_cast<double>(of_four.mean_ns), nearer, 0.04 * nearer);
}

// Of two exponential services with the same mean, scv above 1; of sums of exponential ones below.
TEST(Queueing, KimurasIsNearWhatTheSimulationOfOtherServicesComesTo) {
  std::mt19937_64 random(20260102);
  std::exponential_distribution<double> unit(1);
  std::bernoulli_distribution short_one(0.5 * (1 + std::sqrt(0.6)));  // balanced means, scv 4: (4 - 1)/(4 + 1) = 0.6
  const auto varied = [&] {
    const double p = short_one.p();
    return short_one(random) ? unit(random) / (2 * p) : unit(random) / (2 * (1 - p));
  };
  const auto steady = [&] { return (unit(random) + unit(random) + unit(random) + unit(random)) / 4; };  // scv 1/4
  for (const auto& [scv, k] : {std::pair{4.0, 2}, {4.0, 8}, {0.25, 2}, {0.25, 8}}) {
    const MMk queue{0.8 * k * 1000, 1000, k};
    Case c = queue_of(random, queue, 400'000, 1);
    for (Demand& task : c.tasks) task.wait_ns = std::llround((scv > 1 ? varied() : steady()) / queue.mu * 1e9);
    const double wait = static_cast<double>(summarise_sojourns(sojourns_ns(c, simulate(c))).mean_ns) - 1e9 / queue.mu;
    EXPECT_NEAR(wait, kimura(queue, scv) * 1e9, 0.12 * wait) << scv << ' ' << k;
  }
}

}  // namespace
}  // namespace harness::model
