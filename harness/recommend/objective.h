#pragma once

// What a server has to keep: at a rate of clients, percentiles of their sojourns within bounds.
//
// Thread safety: values and pure functions.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace harness::recommend {

struct Percentile {
  std::string_view name;  // "p99"
  double q = 0;
};
inline constexpr std::array<Percentile, 5> kPercentiles = {
    {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};

// One of each, in that order. ns.
using PercentileTimes = std::array<std::int64_t, kPercentiles.size()>;

// By nearest rank. Sorts `sojourns_ns`. REQUIRES: not empty.
PercentileTimes percentile_times(std::vector<std::int64_t>& sojourns_ns);

struct Bound {
  std::size_t percentile = 0;  // of kPercentiles
  std::int64_t most_ns = 0;

  const Percentile& of() const { return kPercentiles[percentile]; }
};

struct Objective {
  double rate_per_s = 0;
  std::string kind = "poisson";  // of arrivals: or "constant"
  std::vector<Bound> bounds;     // at least one, of different percentiles, in their order

  double highest_q() const { return bounds.back().of().q; }
};

// Of what the command line has: "300/s", {"p99=200ms", ...}, "poisson". Throws ConfigError for a rate that is none, 0 or more than one thread can
// release, another kind, a bound that is not PERCENTILE=DURATION, that is 0, or of an unknown percentile or one that has a bound already.
// REQUIRES: at least one bound.
Objective objective_of(std::string_view rate, const std::vector<std::string>& bounds, std::string_view kind);

// "poisson:300/s", as plan/arrivals.h reads it. REQUIRES: rate_per_s > 0.
std::string arrivals_at(const Objective& objective, double rate_per_s);

std::string bounds_text(const Objective& objective);  // "p95 <= 100 ms, p99 <= 200 ms"

// The largest of percentile over bound: at most 1 if all are kept.
double worst_share(const Objective& objective, const PercentileTimes& sojourns_ns);

// The bound of which that share is. REQUIRES: as objective_of leaves it.
const Bound& tightest_bound(const Objective& objective, const PercentileTimes& sojourns_ns);

}  // namespace harness::recommend
