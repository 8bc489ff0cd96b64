#include "harness/model/queueing.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace harness::model {
namespace {

void require_domain(bool condition, const std::string& what) {
  if (!condition) throw std::invalid_argument("outside the domain: " + what);
}

void require_stable(const MMk& queue) {
  require_domain(queue.lambda > 0 && queue.mu > 0 && queue.k >= 1, "lambda and mu are above 0, k is 1 or more");
  require_domain(queue.lambda < queue.k * queue.mu, "lambda = " + std::to_string(queue.lambda) + " is not below k mu = " +
                                                        std::to_string(queue.k * queue.mu) + ": the queue grows for ever");
}

}  // namespace

double erlang_b(double offered, int k) {
  require_domain(offered >= 0 && std::isfinite(offered) && k >= 1, "offered >= 0, k >= 1");
  double b = 1;  // the recursion is stable where the fraction of sums is not
  for (int j = 1; j <= k; ++j) b = offered * b / (j + offered * b);
  return b;
}

double erlang_c(double offered, int k) {
  require_domain(offered >= 0 && k >= 1 && offered < k, "0 <= offered < k");
  const double b = erlang_b(offered, k);
  return b / (1 - offered / k * (1 - b));
}

double MMk::waits() const {
  require_stable(*this);
  return erlang_c(lambda / mu, k);
}

double MMk::mean_wait() const { return waits() / (k * mu - lambda); }

double MMk::waits_longer(double t) const { return waits() * std::exp(-(k * mu - lambda) * t); }

double MMk::wait_quantile(double q) const {
  require_domain(q > 0 && q < 1, "0 < q < 1");
  const double c = waits();
  return c <= 1 - q ? 0 : std::log(c / (1 - q)) / (k * mu - lambda);
}

// The wait is 0 or exponential of rate k mu - lambda, the service exponential of rate mu, independent.
double MMk::stays_longer(double t) const {
  const double c = waits();
  const double drain = k * mu - lambda;
  const double difference = drain - mu;
  if (std::abs(difference) < 1e-9 * mu) return (1 + c * mu * t) * std::exp(-mu * t);  // the limit
  return (1 - c) * std::exp(-mu * t) + c * (drain * std::exp(-mu * t) - mu * std::exp(-drain * t)) / difference;
}

double MMk::sojourn_quantile(double q) const {
  require_domain(q > 0 && q < 1, "0 < q < 1");
  double low = 0;
  double high = 1 / mu;
  while (stays_longer(high) > 1 - q) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-15 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (stays_longer(middle) > 1 - q ? low : high) = middle;
  }
  return high;
}

double pollaczek_khinchine(double lambda, double mu, double scv) {
  require_domain(lambda > 0 && lambda < mu && scv >= 0, "0 < lambda < mu, scv >= 0");
  const double rho = lambda / mu;
  return rho / mu * (1 + scv) / (2 * (1 - rho));
}

double lee_longton(const MMk& queue, double scv) {
  require_domain(scv >= 0, "scv >= 0");
  return (1 + scv) / 2 * queue.mean_wait();
}

double deterministic_wait(const MMk& queue) {
  require_stable(queue);
  constexpr double kMostCorrection = 0.24;
  const double k = queue.k;
  const double rho = queue.lambda / (k * queue.mu);
  const double correction = (1 - rho) * (k - 1) * (std::sqrt(4 + 5 * k) - 2) / (16 * rho * k);
  return (1 + std::min(kMostCorrection, correction)) / 2 * queue.mean_wait();
}

double kimura(const MMk& queue, double scv) {
  require_domain(scv >= 0, "scv >= 0");
  const double exponential = queue.mean_wait();
  if (exponential <= 0) return 0;  // so few that nobody waits, to the last bit
  return (1 + scv) / ((1 - scv) / deterministic_wait(queue) + 2 * scv / exponential);
}

Rejecting rejecting(double lambda, double mu, int k, int most) {
  require_domain(lambda > 0 && mu > 0 && k >= 1 && most >= k, "lambda and mu are above 0, 1 <= k <= K");
  // Birth and death: p_(j+1) = p_j lambda / (min(j+1, k) mu). Kept within range by the largest so far.
  std::vector<double> p{1};
  double sum = 1;
  for (int j = 1; j <= most; ++j) {
    p.push_back(p.back() * lambda / (std::min(j, k) * mu));
    sum += p.back();
    if (sum > 1e200) {
      for (double& value : p) value /= sum;
      sum = 1;
    }
  }
  Rejecting result;
  for (int j = 0; j <= most; ++j) result.mean_clients += j * p[static_cast<std::size_t>(j)] / sum;
  result.rejected = p.back() / sum;
  result.throughput = lambda * (1 - result.rejected);
  result.mean_sojourn = result.mean_clients / result.throughput;
  return result;
}

}  // namespace harness::model
