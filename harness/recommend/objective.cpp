#include "harness/recommend/objective.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/base/console.h"
#include "harness/base/errors.h"
#include "harness/base/quantity.h"
#include "harness/model/arrivals.h"
#include "harness/plan/arrivals.h"

namespace harness::recommend {
namespace {

std::string known_percentiles() {
  std::string names;
  for (const Percentile& percentile : kPercentiles) names += fmt::format("{}{}", names.empty() ? "" : ", ", percentile.name);
  return names;
}

Bound bound_of(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string shown = printable(text, 60);
  if (equals == std::string_view::npos || equals == 0) {
    throw ConfigError(
        fmt::format("--slo '{}' is no bound of a percentile; allowed: PERCENTILE=DURATION, such as p99=200ms", shown));
  }
  const std::string_view name = text.substr(0, equals);
  const auto* const known =
      std::find_if(kPercentiles.begin(), kPercentiles.end(), [&](const Percentile& p) { return p.name == name; });
  if (known == kPercentiles.end()) {
    throw ConfigError(
        fmt::format("--slo '{}': unknown percentile '{}'; allowed: {}", shown, printable(name, 60), known_percentiles()));
  }
  const std::int64_t most = parse_duration(text.substr(equals + 1)).count();
  if (most == 0) throw ConfigError(fmt::format("--slo '{}': a bound of 0 cannot be kept; allowed: 1ns and more", shown));
  return {static_cast<std::size_t>(known - kPercentiles.begin()), most};
}

double share_of(const Bound& bound, const PercentileTimes& times) {
  return static_cast<double>(times[bound.percentile]) / static_cast<double>(bound.most_ns);
}

}  // namespace

PercentileTimes percentile_times(std::vector<std::int64_t>& sojourns_ns) {
  std::sort(sojourns_ns.begin(), sojourns_ns.end());
  PercentileTimes times{};
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = model::nearest_rank(sojourns_ns, kPercentiles[i].q);
  return times;
}

Objective objective_of(std::string_view rate, const std::vector<std::string>& bounds, std::string_view kind) {
  if (kind != "poisson" && kind != "constant") {
    throw ConfigError(fmt::format("--arrivals '{}' does not apply to --rate; allowed: poisson, constant", printable(kind, 60)));
  }
  Objective objective{.rate_per_s = 0, .kind = std::string(kind), .bounds = {}};
  try {
    objective.rate_per_s = parse_rate_per_s(rate);
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("--rate: {}", error.what()));
  }
  if (objective.rate_per_s > kMostReleasedPerS) {
    throw ConfigError(fmt::format("--rate '{}' is more than one thread can release; allowed: at most {:.0f}/s",
                                  printable(rate, 60), kMostReleasedPerS));
  }
  for (const std::string& text : bounds) {
    const Bound bound = bound_of(text);
    const bool twice = std::any_of(objective.bounds.begin(), objective.bounds.end(),
                                   [&](const Bound& other) { return other.percentile == bound.percentile; });
    if (twice) throw ConfigError(fmt::format("--slo gives {} two bounds; allowed: one", bound.of().name));
    objective.bounds.push_back(bound);
  }
  std::sort(objective.bounds.begin(), objective.bounds.end(),
            [](const Bound& a, const Bound& b) { return a.percentile < b.percentile; });
  return objective;
}

std::string arrivals_at(const Objective& objective, double rate_per_s) {
  return fmt::format("{}:{:.6f}/s", objective.kind, rate_per_s);
}

std::string bounds_text(const Objective& objective) {
  std::string text;
  for (const Bound& bound : objective.bounds) {
    text += fmt::format("{}{} <= {}", text.empty() ? "" : ", ", bound.of().name, human_ns(bound.most_ns));
  }
  return text;
}

double worst_share(const Objective& objective, const PercentileTimes& sojourns_ns) {
  return share_of(tightest_bound(objective, sojourns_ns), sojourns_ns);
}

const Bound& tightest_bound(const Objective& objective, const PercentileTimes& sojourns_ns) {
  return *std::max_element(objective.bounds.begin(), objective.bounds.end(),
                           [&](const Bound& a, const Bound& b) { return share_of(a, sojourns_ns) < share_of(b, sojourns_ns); });
}

}  // namespace harness::recommend
