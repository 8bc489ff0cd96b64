#pragma once

// Closed forms of queueing theory: what the simulation of arrivals comes to in the long run, each with its domain. Rates are per second, times in
// seconds. lambda: arrivals; mu: services of one server (1/mu is the mean service time); k servers, FIFO; rho = lambda/(k mu).
//
// Sources: Erlang 1917 (B and C); Pollaczek 1930, Khinchine 1932 (M/G/1); Lee and Longton 1959, Cosmetatos 1975 (as Whitt 1993 bounds it) and Kimura
// 1986 (M/G/k and M/D/k, approximations); Little 1961. Kleinrock, Queueing Systems, volume 1, 1975 has the rest.
//
// Thread safety: pure functions. Arguments outside the domain are a std::invalid_argument that names them.

namespace harness::model {

// P(all k servers are busy) where who finds them so is lost: M/G/k/k, insensitive to the distribution of the services. `offered` = lambda/mu.
// REQUIRES: offered >= 0, k >= 1.
double erlang_b(double offered, int k);

// P(a client waits) in M/M/k. REQUIRES: 0 <= offered < k.
double erlang_c(double offered, int k);

// M/M/k. REQUIRES: lambda > 0, mu > 0, lambda < k mu.
struct MMk {
  double lambda = 0;
  double mu = 0;
  int k = 1;

  double waits() const;                  // P(W > 0)
  double mean_wait() const;              // E W
  double waits_longer(double t) const;   // P(W > t)
  double wait_quantile(double q) const;  // 0 where fewer than 1-q wait at all. REQUIRES: 0 < q < 1
  double stays_longer(double t) const;   // P(W + S > t): the sojourn
  double sojourn_quantile(double q) const;
};

// M/G/1: E W = lambda E S^2 / (2 (1 - rho)). `scv`: squared coefficient of variation of the services, variance over squared mean.
// REQUIRES: 0 < lambda < mu, scv >= 0.
double pollaczek_khinchine(double lambda, double mu, double scv);

// M/G/k, approximately: (1 + scv)/2 times M/M/k's. Exact for k = 1 and for scv = 1. REQUIRES: as MMk, scv >= 0.
double lee_longton(const MMk& queue, double scv);

// E W in M/D/k, approximately: half of M/M/k's, times 1 + min(0.24, (1 - rho)(k - 1)(sqrt(4 + 5k) - 2)/(16 rho k)) (Cosmetatos, Some approximate
// equilibrium results for the multi-server queue M/G/r, 1975; the bound is Whitt's, Approximations for the GI/G/m queue, 1993). Exact for k = 1, within
// 2 % for rho >= 0.5 and k <= 8, and for rho >= 0.9 and k <= 40; too low where hardly anybody waits. REQUIRES: as MMk.
double deterministic_wait(const MMk& queue);

// M/G/k, approximately, from what M/D/k and M/M/k wait: (1 + scv) / ((1 - scv)/M/D/k + 2 scv/M/M/k) (Kimura, A two-moment approximation for the mean
// waiting time in the GI/G/s queue, Management Science 32, 1986, with arrivals of scv 1). Exact for k = 1 and for scv = 1, and M/D/k's for scv = 0,
// where Lee and Longton's is too low: equal services queue up behind each other. REQUIRES: as MMk, scv >= 0.
double kimura(const MMk& queue, double scv);

// M/M/k/K: K clients at most, those in service included; who comes to K is rejected. REQUIRES: lambda > 0, mu > 0, 1 <= k <= K.
struct Rejecting {
  double rejected = 0;      // share of the clients
  double throughput = 0;    // of those served, per second
  double mean_clients = 0;  // there at a time
  double mean_sojourn = 0;  // of those served
};
Rejecting rejecting(double lambda, double mu, int k, int most);

}  // namespace harness::model
