#pragma once

// poolbench recommend --rate --slo: from flags to what has to be kept.

#include <optional>
#include <string>
#include <vector>

#include "harness/recommend/objective.h"

namespace CLI {
class App;
}

namespace harness {

struct RateFlags {
  std::string rate;                 // "300/s"; empty: a batch
  std::vector<std::string> bounds;  // "p99=200ms"
  std::string arrivals;             // "poisson", "constant"; empty: the first
};

void add_rate_options(CLI::App& command, RateFlags& flags);

// Nothing for a batch. Throws ConfigError: one without the other, and what is no rate, bound or kind of arrivals.
std::optional<recommend::Objective> objective_of(const RateFlags& flags);

}  // namespace harness
