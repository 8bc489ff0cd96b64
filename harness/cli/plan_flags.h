#pragma once

// What `run` and `submit` have in common: the flags that say what is to be measured.

#include <optional>
#include <string>
#include <vector>

#include "harness/plan/plan.h"
#include "harness/plan/suite.h"

namespace CLI {
class App;
}

namespace harness {

// As given; absent where the flag is.
struct PlanFlags {
  std::string suite = "default";
  std::vector<std::string> filters;
  std::vector<std::string> pythons;
  std::optional<std::string> runs, warmup, order, seed, timeout;
  bool strict = false;
  bool trace = false;
};

// `flags` outlives the parsing.
void add_plan_flags(CLI::App& command, PlanFlags& flags);

// Throw ConfigError, naming the flag, the value and the valid ones.
Suite suite_of(const PlanFlags& flags);
Plan plan_of(const Suite& suite, const PlanFlags& flags, int cores);
// The same for a machine with kNominalCores, for cut(); a filter that matches nothing there is left out.
Plan nominal_plan_of(const Suite& suite, const PlanFlags& flags);
std::chrono::nanoseconds positive_duration(const std::string& flag, const std::string& text);

// "suite default: 66 cells, 396 repetitions with warm-ups, about 50 s"; of a shard its own of how many.
std::string plan_line(const Plan& plan);
// Of all own cells, warm-ups included.
int repetitions(const Plan& plan);

// The flags as a command line has them, the suite first.
std::vector<std::string> arguments_of(const PlanFlags& flags);

}  // namespace harness
