#include "harness/plan/distribution.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <string>

#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/base/random.h"
#include "harness/base/text.h"

namespace harness {
namespace {

constexpr Distribution kDistributions[] = {
    {"equal", "every task takes `task`"},
    {"linear", "task i, from 1, takes i times `task`"},
    {"uniform", "between 0 and twice `task`; mean `task`"},
    {"exponential", "mean `task`"},
    {"heavy_tailed", "bounded Pareto, shape 4/3, longest 512 times the shortest; mean `task`"},
};

// Natural logarithm for x in (0, 1), by the series of atanh: ln m = 2 (z + z^3/3 + z^5/5 + ...), z = (m - 1)/(m + 1), with m
// the significand brought to [sqrt(1/2), sqrt(2)), where |z| < 0.172 and twelve terms reach the last bit. libm's log is
// not correctly rounded and differs between versions.
double portable_log(double x) {
  constexpr double kLn2 = 0.6931471805599453094;
  constexpr double kSqrtHalf = 0.7071067811865475244;
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < kSqrtHalf) {
    m *= 2;
    --exponent;
  }
  const double z = (m - 1) / (m + 1);
  const double z2 = z * z;
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * z2 + 1.0 / k;
  return 2 * z * sum + exponent * kLn2;
}

double uniform(double u) { return 2 * u; }

double exponential(double u) { return -portable_log(u); }

// F^-1(u) = L (1 - u (1 - r^a))^(-1/a) with a = 4/3 and r = L/H = 1/512, so that 1/a = 3/4 needs square roots only and
// r^a = 1/4096. The mean is L a/(a-1) (1 - r^(a-1))/(1 - r^a) = L * 4 * (7/8) / (4095/4096), by which L is scaled to 1.
double heavy_tailed(double u) {
  constexpr double kBound = 4095.0 / 4096.0;
  constexpr double kLow = kBound / 3.5;
  const double v = 1 - u * kBound;
  const double root = std::sqrt(v);
  return kLow / (root * std::sqrt(root));
}

std::int64_t rounded(double ns) {
  // The largest double below 2^63.
  constexpr double kMost = 9223372036854774784.0;
  if (!(ns <= kMost)) throw ConfigError("a drawn task duration is more than 2^63-1 ns; choose a shorter task");
  return static_cast<std::int64_t>(ns + 0.5);
}

}  // namespace

std::span<const Distribution> distributions() { return kDistributions; }

std::vector<std::int64_t> draw_durations(std::string_view distribution, int count, std::int64_t scale_ns, std::uint64_t seed) {
  std::vector<std::int64_t> durations;
  durations.reserve(static_cast<std::size_t>(count));
  if (distribution == "equal") {
    durations.assign(static_cast<std::size_t>(count), scale_ns);
    return durations;
  }
  if (distribution == "linear") {
    std::int64_t duration = 0;
    for (int i = 0; i < count; ++i) {
      if (__builtin_add_overflow(duration, scale_ns, &duration)) {
        throw ConfigError(fmt::format("{} tasks of linear durations from {}: more than 2^63-1 ns", count,
                                      format_duration(std::chrono::nanoseconds(scale_ns))));
      }
      durations.push_back(duration);
    }
    return durations;
  }
  double (*inverse)(double) = nullptr;
  if (distribution == "uniform") inverse = &uniform;
  if (distribution == "exponential") inverse = &exponential;
  if (distribution == "heavy_tailed") inverse = &heavy_tailed;
  if (inverse == nullptr) {
    std::vector<std::string> names;
    for (const Distribution& known : kDistributions) names.emplace_back(known.name);
    throw ConfigError(
        fmt::format("unknown distribution '{}'{}; allowed: {}", distribution, did_you_mean(distribution, names), join(names)));
  }
  SplitMix64 random(seed);
  for (int i = 0; i < count; ++i) {
    durations.push_back(rounded(static_cast<double>(scale_ns) * inverse(random.open_unit())));
  }
  return durations;
}

}  // namespace harness
