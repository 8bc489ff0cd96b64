#include "harness/cli/recommend_rate.h"

#include <CLI/CLI.hpp>

#include "harness/base/errors.h"
#include "harness/cli/checks.h"

namespace harness {

void add_rate_options(CLI::App& command, RateFlags& flags) {
  command
      .add_option("--rate", flags.rate,
                  "So many clients come, such as 300/s: the least size that keeps every --slo; exit code 1 if none does")
      ->check(not_empty());
  command
      .add_option("--slo", flags.bounds,
                  "Of --rate: a percentile of how long clients are there and its bound, such as p99=200ms; may be given again")
      ->allow_extra_args(false)
      ->check(not_empty());
  command.add_option("--arrivals", flags.arrivals, "Of --rate: poisson, the default, or constant")->check(not_empty());
}

std::optional<recommend::Objective> objective_of(const RateFlags& flags) {
  if (flags.rate.empty()) {
    if (!flags.bounds.empty()) throw ConfigError("--slo is missing its rate: --rate says how many clients come, such as 300/s");
    if (!flags.arrivals.empty()) throw ConfigError("--arrivals does not apply to a batch: --rate says how many clients come");
    return std::nullopt;
  }
  if (flags.bounds.empty()) throw ConfigError("--rate is missing its bound: --slo says what is to be kept, such as p99=200ms");
  return recommend::objective_of(flags.rate, flags.bounds, flags.arrivals.empty() ? "poisson" : flags.arrivals);
}

}  // namespace harness
