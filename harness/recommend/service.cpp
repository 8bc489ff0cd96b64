#include "harness/recommend/service.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "harness/core/sojourns.h"
#include "harness/model/arrivals.h"
#include "harness/model/simulate.h"
#include "harness/plan/arrivals.h"
#include "harness/plan/model_case.h"
#include "harness/recommend/sizing.h"

namespace harness::recommend {
namespace {

constexpr double kBeyond = 1.2;  // times the capacity
constexpr double kParserLoad = 0.9;
constexpr double kSecond = 1e9;  // ns

// Few tasks that have the mean of all, and as many under the lock: for capacities, which need no clients.
Batch sample_of_batch(const Profile& profile, const Batch& batch) {
  constexpr std::size_t kEnough = 100;
  const std::size_t seen = profile.demands.size();
  Batch sample = batch;
  sample.tasks = static_cast<int>(seen * ((kEnough + seen - 1) / seen));
  return sample;
}

// How long that share of the tasks takes at most when nobody is before it.
std::int64_t own_ns(const Profile& profile, const Batch& batch, double q) {
  std::vector<std::int64_t> services;
  for (const model::Demand& demand : profile.demands) services.push_back(demand.service_ns() + batch.callback.service_ns());
  std::sort(services.begin(), services.end());
  return model::nearest_rank(services, q);
}

}  // namespace

bool ServicePoint::keeps_with_margin() const { return load <= kMostLoad && share * (1 + kMargin) <= 1; }

std::vector<std::int64_t> predict_sojourns(const Profile& profile, const Batch& batch, const Choice& choice,
                                           const std::string& arrivals, std::uint64_t seed, const Factors& limits) {
  model::Case c = case_of(profile, batch, choice);
  c.arrivals_ns = arrival_times(arrivals, batch.tasks, seed);
  set_full_queue(limits, c);
  return model::sojourns_ns(c, model::simulate(c));
}

ServicePoint predict_service(const Profile& profile, const Batch& batch, const Choice& choice, const Objective& objective,
                             double rate_per_s, std::uint64_t seed) {
  ServicePoint point{.choice = choice};
  point.capacity_per_s = binding_limit(profile, batch, choice).per_s;
  point.load = rate_per_s / point.capacity_per_s;
  std::vector<std::int64_t> sojourns = predict_sojourns(profile, batch, choice, arrivals_at(objective, rate_per_s), seed);
  sojourns.erase(sojourns.begin(), sojourns.begin() + static_cast<std::ptrdiff_t>(first_counted(sojourns.size())));
  point.sojourns_ns = percentile_times(sojourns);
  point.share = worst_share(objective, point.sojourns_ns);
  return point;
}

std::vector<Choice> ways_on(Pool pool, const Batch& batch, double rate_per_s) {
  std::vector<Choice> ways;
  for (const model::Strategy strategy : strategies_on(pool, batch)) {
    const bool at_the_end = strategy == model::Strategy::map || strategy == model::Strategy::collect ||
                            strategy == model::Strategy::as_completed;  // nobody would get his answer before the last has come
    if (at_the_end) continue;
    Choice way{pool, 1, strategy, 0};
    if (strategy == model::Strategy::extra) {
      const double busy = rate_per_s * static_cast<double>(batch.callback.service_ns()) / kSecond;
      way.parsers = std::max(1, static_cast<int>(std::ceil(busy / kParserLoad)));
    }
    ways.push_back(way);
  }
  return ways;
}

std::vector<model::Limit> limits_of(const Profile& profile, const Batch& batch, const Choice& choice) {
  return model::limits(case_of(profile, sample_of_batch(profile, batch), choice));
}

model::Limit binding_limit(const Profile& profile, const Batch& batch, const Choice& choice) {
  return model::least_limit(case_of(profile, sample_of_batch(profile, batch), choice));
}

bool costs_less(const Choice& a, const Choice& b) {
  const auto cost = [](const Choice& c) {
    // Tasks in flight on a loop cost next to nothing.
    const int workers = c.pool == Pool::loop ? 1 : c.workers;
    return std::tuple(is_process(c.pool), workers + c.parsers, static_cast<int>(c.strategy), c.workers);
  };
  return cost(a) < cost(b);
}

std::vector<Beyond> beyond_capacity(const Profile& profile, const Batch& batch, const Choice& choice,
                                    const Objective& objective) {
  const double capacity = binding_limit(profile, batch, choice).per_s;
  double room_s = std::numeric_limits<double>::infinity();
  for (const Bound& bound : objective.bounds) {
    room_s = std::min(room_s, static_cast<double>(bound.most_ns - own_ns(profile, batch, bound.of().q)) / kSecond);
  }
  const int queue = static_cast<int>(std::clamp(std::floor(room_s * capacity) - 1, 1.0, 1e6));
  const double rate = kBeyond * capacity;
  std::vector<Beyond> all{{.when_full = "block", .queue = queue, .rate_per_s = rate, .late_per_s = kBeyond - 1},
                          {.when_full = "reject", .queue = queue, .rate_per_s = rate, .rejected_share = 1 - 1 / kBeyond}};
  if (choice.pool == Pool::thread) {
    Choice helped = choice;
    ++helped.workers;
    const double with_caller = binding_limit(profile, batch, helped).per_s;
    all.push_back(
        {.when_full = "caller_runs", .queue = queue, .rate_per_s = rate, .late_per_s = std::max(0.0, rate / with_caller - 1)});
  }
  return all;
}

}  // namespace harness::recommend
