// The first tables of docs/self_sizing.md: simulated pools that size themselves by Little's law, by hill climbing, and not at all. Prints Markdown.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "pools/benchmarks/sizing.h"
#include "pools/tests/sizing/hill_climbing.h"

namespace pools::benchmarks {
namespace {

using namespace pools::test;

constexpr int kCores = 2;
constexpr SelfSizing kBounds{.min = 1, .max = 200};
constexpr double kCompute = 0.005;
constexpr double kStep = 20;
constexpr unsigned kSeeds = 11;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Outcome {
  std::vector<double> regret, settled, changes, size;
};

void note(Outcome& outcome, const SimulatedRun& run, double best) {
  outcome.regret.push_back(best / std::accumulate(run.computed.begin(), run.computed.end(), 0.0) - 1);
  outcome.settled.push_back(*std::max_element(run.settled.begin(), run.settled.end()));
  double changes = 0;
  for (const int late : run.late_changes) changes += late;
  outcome.changes.push_back(changes / static_cast<double>(run.late_changes.size()) / (kStep - 2));
  outcome.size.push_back(run.sizes.back());
}

std::string text_of(const Outcome& outcome) {
  char text[96];
  const double settled = median(outcome.settled);
  std::snprintf(text, sizeof text, "%.0f | %.1f %% | ", median(outcome.size), 100 * median(outcome.regret));
  std::string all = text;
  if (std::isfinite(settled)) {
    std::snprintf(text, sizeof text, "%.2f s | %.2f", settled, median(outcome.changes));
  } else {
    std::snprintf(text, sizeof text, "never | %.2f", median(outcome.changes));
  }
  return all + text;
}

void print_row(const std::string& name, const std::vector<double>& ratios) {
  std::vector<Step> steps;
  for (const double ratio : ratios) {
    steps.push_back({kStep * static_cast<double>(steps.size()), {.wait = ratio * kCompute, .compute = kCompute}});
  }
  const double end = kStep * static_cast<double>(steps.size());
  Outcome law;
  Outcome climbing;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    const double best = best_fixed(kCores, kBounds.max, steps, end, seed);
    PoolSimulation ours(kCores, kCores, steps.front().load, seed);
    note(law, simulate(ours, steps, end, SelfSizingControl(kBounds, kCores)), best);
    PoolSimulation theirs(kCores, kCores, steps.front().load, seed);
    note(climbing, simulate(theirs, steps, end, HillClimbing({.min = kCores, .max = kBounds.max}, kCores, seed)), best);
  }
  std::printf("| %s | %s | %s |\n", name.c_str(), text_of(law).c_str(), text_of(climbing).c_str());
}

}  // namespace

void print_simulated() {
  std::printf("| W/C | size | regret | settled | changes/s | climbing: size | regret | settled | changes/s |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  for (const double ratio : {0.01, 0.25, 1.0, 4.0, 9.0, 39.0}) {
    char name[16];
    std::snprintf(name, sizeof name, "%g", ratio);
    print_row(name, {ratio});
  }
  print_row("0.01, 39, 0.01, 9", {0.01, 39, 0.01, 9});
  print_row("39, 1, 39, 0.25", {39, 1, 39, 0.25});

  std::printf("\n| W/C | cores (1 + W/C) | it keeps busy | size for 98 %% |\n|---|---|---|---|\n");
  for (const double ratio : {0.01, 0.25, 1.0, 4.0, 9.0, 39.0}) {
    const int knee = static_cast<int>(std::lround(kCores * (1 + ratio)));
    std::printf("| %g | %d | %.0f %% | %d |\n", ratio, knee, 100 * detail::utilisation(knee, kCores, ratio),
                detail::least_size(kCores, ratio, detail::SelfSize::kAim, kBounds.max));
  }
}

}  // namespace pools::benchmarks
