// Queueing theory's closed forms: against published values, against each other, and against the simulation.

#include "harness/model/queueing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <stdexcept>

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
}

}  // namespace
}  // namespace harness::model
